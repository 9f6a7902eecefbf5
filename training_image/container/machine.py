"""What a job may use of its machine, and which others work on it beside this one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from training_image.container.workers import available_cores

_DEVICES = Path("/dev")
_GPU = re.compile(r"nvidia\d+")
_WITH_GPUS = re.compile(r"ml\.[gp]\d|local_gpu$")
ALONE = "algo-1"
"""What SageMaker calls the only host of a job."""


@dataclass(frozen=True)
class Machine:
    """Processors that work at the same time."""

    cores: int
    gpus: int = 0
    """Whether an engine can use them is for its libraries to say."""
    hosts: tuple[str, ...] = (ALONE,)
    """Names of all machines of the job, in the order in which all of them count; this one is among them."""
    host: str = ALONE
    """The name of this one."""
    instance_type: str = ""
    """What the platform calls this kind of machine, e.g. `ml.g5.xlarge`; empty: nobody has said."""
    network_interface: str | None = None
    """Through which the hosts reach each other, e.g. `eth0`; None: nobody has said."""

    @property
    def gpus_paid(self) -> bool:
        """Whether it was chosen for its GPUs; those that are there by chance need not be used."""
        return _WITH_GPUS.match(self.instance_type) is not None

    @property
    def rank(self) -> int:
        """Number of this machine among the hosts, from 0; number 0 leads and leaves the model."""
        return self.hosts.index(self.host)

    @property
    def leader(self) -> str:
        """Name of the host where the others meet."""
        return self.hosts[0]


def this_machine(devices: Path = _DEVICES) -> Machine:
    """Return what this process may use; a container sees the devices that it was given."""
    gpus = sum(1 for path in devices.glob("nvidia*") if _GPU.fullmatch(path.name))
    return Machine(available_cores(), gpus)
