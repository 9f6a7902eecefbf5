"""What a job may use of its machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from training_image.workers import available_cores

_DEVICES = Path("/dev")
_GPU = re.compile(r"nvidia\d+")


@dataclass(frozen=True)
class Machine:
    """Processors that work at the same time."""

    cores: int
    gpus: int = 0
    """Whether an engine can use them is for its libraries to say."""


def this_machine(devices: Path = _DEVICES) -> Machine:
    """Return what this process may use; a container sees the devices that it was given."""
    gpus = sum(1 for path in devices.glob("nvidia*") if _GPU.fullmatch(path.name))
    return Machine(available_cores(), gpus)
