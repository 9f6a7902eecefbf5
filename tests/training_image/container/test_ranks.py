"""Which of several processes this is, and the command that starts them, as torchrun has it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from training_image.container import ranks
from training_image.container.machine import Machine


def test_alone_one_leads() -> None:
    assert (ranks.rank({}), ranks.size({}), ranks.leads({}), ranks.is_started({})) == (0, 1, True, False)


def test_of_several_the_first_leads() -> None:
    second = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1"}
    assert (ranks.rank(second), ranks.size(second), ranks.leads(second)) == (1, 4, False)
    assert ranks.is_started(second)


@pytest.mark.parametrize(
    ("environment", "device"),
    [
        ({}, None),
        ({"LOCAL_RANK": "2"}, "2"),
        ({"LOCAL_RANK": "1", "CUDA_VISIBLE_DEVICES": "4,6"}, "6"),
        ({"LOCAL_RANK": "3", "CUDA_VISIBLE_DEVICES": "4,6"}, None),
    ],
)
def test_each_process_sees_one_gpu(environment: dict[str, str], device: str | None) -> None:
    assert ranks.own_device(environment) == device


def test_a_process_for_each_gpu_and_one_without() -> None:
    assert ranks.wanted(Machine(8)) == 1
    assert ranks.wanted(Machine(8, gpus=4)) == 4


def test_the_command_names_hosts_and_processes() -> None:
    machine = Machine(8, gpus=2, hosts=("algo-1", "algo-2"), host="algo-2")
    command = ranks.command(machine, Path("/opt/ml"))
    assert command[:3] == [sys.executable, "-m", "torch.distributed.run"]
    told = dict(zip(command[3::2], command[4::2], strict=False))
    assert told["--nnodes"] == "2"
    assert told["--node-rank"] == "1"
    assert told["--nproc-per-node"] == "2"
    assert told["--master-addr"] == "algo-1"
    assert command[-4:] == ["-m", "training_image.train", "--root", "/opt/ml"]
