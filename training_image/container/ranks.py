"""Several processes on one job: which of them this is, and how they are started, as torchrun does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from training_image.container.machine import Machine

_PORT = 29_431
"""Where the leader's processes wait for the others'; any free port of the job's own network would do."""
_INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
_DEVICES = "CUDA_VISIBLE_DEVICES"


def rank(environment: Mapping[str, str] = os.environ) -> int:
    """Return the number of this process among all, from 0; number 0 writes what the job leaves."""
    return int(environment.get("RANK", "0"))


def size(environment: Mapping[str, str] = os.environ) -> int:
    """Return how many processes work on the job."""
    return int(environment.get("WORLD_SIZE", "1"))


def leads(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether this process writes checkpoints, progress and model."""
    return rank(environment) == 0


def wanted(machine: Machine) -> int:
    """Return how many processes this machine is good for: one for each GPU, and one where there is none."""
    return max(1, machine.gpus)


def is_started(environment: Mapping[str, str] = os.environ) -> bool:
    """Say whether this process is one of several already."""
    return "RANK" in environment


def command(machine: Machine, root: Path, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the command that runs this job's program in several processes, here and on the other hosts."""
    return [
        sys.executable,
        *("-m", "torch.distributed.run"),
        *("--nnodes", str(len(machine.hosts))),
        *("--node-rank", str(machine.rank)),
        *("--nproc-per-node", str(wanted(machine))),
        *("--master-addr", "127.0.0.1" if len(machine.hosts) == 1 else machine.leader),
        *("--master-port", environment.get("MASTER_PORT", str(_PORT))),
        *("-m", "training_image.train"),
        *("--root", str(root)),
    ]


def interfaces(machine: Machine) -> dict[str, str]:
    """Return variables that say through which interface the hosts reach each other, if that is known."""
    if len(machine.hosts) == 1 or machine.network_interface is None:
        return {}
    return dict.fromkeys(_INTERFACES, machine.network_interface)


def own_device(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return what `CUDA_VISIBLE_DEVICES` is to be so that this process sees one GPU, its own.

    None: it works alone, or the variable names one device already.
    """
    local = environment.get("LOCAL_RANK")
    if local is None:
        return None
    visible: Sequence[str] = [one for one in environment.get(_DEVICES, "").split(",") if one]
    if not visible:
        return local
    return visible[int(local)] if int(local) < len(visible) else None
