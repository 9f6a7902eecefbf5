"""What SageMaker says about the job in /opt/ml/input/config: its machine, channels and hyperparameters."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from training_image.container.machine import ALONE, Machine, this_machine
from training_image.failures import JobFailed

_CHANNELS = ("plan", "audio")
_NUMBERED = re.compile(r"(?P<name>.*?)(?P<number>[0-9]{1,9})")


class ConfigurationInvalid(JobFailed):
    """The training job was not started as this image needs it."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The training job is not set up as its image needs it: {problem}. Tell the operator."
        )


def read_configuration(folder: Path) -> Machine:
    """Return what a job may use of its machine, after a look at what else SageMaker says.

    Read are hyperparameters.json, inputdataconfig.json and resourceconfig.json; a missing file says nothing.
    The one hyperparameter is `cores`; others are ignored, since tools add their own.

    Raises:
        ConfigurationInvalid: a file is not JSON, or machines or channels are not as this image needs them.
    """
    machine = _among_hosts(this_machine(), _read(folder / "resourceconfig.json"))
    _check_channels(_read(folder / "inputdataconfig.json"))
    cores = str(_read(folder / "hyperparameters.json").get("cores", machine.cores))
    if not (cores.isascii() and cores.isdecimal() and 1 <= int(cores) <= 1024):
        raise ConfigurationInvalid(f"the hyperparameter cores must be a number from 1 to 1024, not {cores!r}")
    return replace(machine, cores=int(cores))


def allowed_time_s(folder: Path) -> float:
    """Return how many seconds all runs of the job may take together, by the hyperparameter `max_runtime_s`.

    Raises:
        ConfigurationInvalid: it is no whole number above 0.
    """
    text = str(_read(folder / "hyperparameters.json").get("max_runtime_s", ""))
    if not text:
        return math.inf
    if not (text.isascii() and text.isdecimal() and int(text) > 0):
        raise ConfigurationInvalid(
            f"the hyperparameter max_runtime_s must be a number of seconds, not {text!r}"
        )
    return float(text)


def check_hosts(machine: Machine, engine: str, *, several: bool) -> None:
    """Refuse a job on several instances where the engine's adaptation uses one.

    Args:
        machine: what `read_configuration` found.
        engine: its name in the catalogue.
        several: whether its adaptation shares its work among hosts.

    Raises:
        ConfigurationInvalid: there are more hosts than one, and they would all do the same.
    """
    if len(machine.hosts) > 1 and not several:
        raise ConfigurationInvalid(
            f"the engine {engine!r} is adapted on one instance and was given {len(machine.hosts)}"
        )


def _among_hosts(machine: Machine, resources: dict[str, Any]) -> Machine:
    """Return the machine with what resourceconfig.json says of it and the others."""
    host = resources.get("current_host")
    hosts = resources.get("hosts") or [host or ALONE]
    if not (isinstance(hosts, list) and all(isinstance(name, str) and name for name in hosts)):
        raise ConfigurationInvalid("the hosts in resourceconfig.json are not a list of names")
    if len(set(hosts)) != len(hosts):
        raise ConfigurationInvalid("resourceconfig.json names a host twice")
    if host is None and len(hosts) == 1:
        host = hosts[0]
    if not isinstance(host, str) or host not in hosts:
        raise ConfigurationInvalid(f"the host {host!r} is not among those of resourceconfig.json")
    interface = resources.get("network_interface_name")
    if interface is not None and not isinstance(interface, str):
        raise ConfigurationInvalid("network_interface_name in resourceconfig.json is not a name")
    # SageMaker promises no order, and every host must count alike.
    return replace(
        machine,
        hosts=tuple(sorted(hosts, key=_natural)),
        host=host,
        instance_type=str(resources.get("current_instance_type") or ""),
        network_interface=interface or None,
    )


def _natural(name: str) -> tuple[str, int, str]:
    """Return a key that puts `algo-2` before `algo-10`."""
    found = _NUMBERED.fullmatch(name)
    return (found["name"], int(found["number"]), "") if found else (name, -1, name)


def _check_channels(channels: dict[str, Any]) -> None:
    if not channels:
        return
    for name in _CHANNELS:
        channel = channels.get(name)
        if not isinstance(channel, dict):
            raise ConfigurationInvalid(f"it has no input channel {name!r}")
        if channel.get("TrainingInputMode") == "Pipe":
            raise ConfigurationInvalid(f"the input channel {name!r} must have the mode File, not Pipe")


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (ValueError, RecursionError):
        raise ConfigurationInvalid(f"{path.name} is not JSON") from None
    if not isinstance(document, dict):
        raise ConfigurationInvalid(f"{path.name} is not an object")
    return document
