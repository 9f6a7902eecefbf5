"""What SageMaker says about the job in /opt/ml/input/config: its machine, channels and hyperparameters."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from training_image.failures import JobFailed
from training_image.machine import Machine, this_machine

_CHANNELS = ("plan", "audio")


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
    hosts = _read(folder / "resourceconfig.json").get("hosts", [])
    if isinstance(hosts, list) and len(hosts) > 1:
        raise ConfigurationInvalid(f"it adapts on one instance and was given {len(hosts)}")
    _check_channels(_read(folder / "inputdataconfig.json"))
    machine = this_machine()
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
