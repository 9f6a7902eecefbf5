"""What a job sees of its machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from training_image.container.machine import Machine, this_machine
from training_image.container.workers import available_cores


def test_a_container_has_the_gpus_that_it_was_given(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia11", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert this_machine(tmp_path) == Machine(available_cores(), gpus=2)


@pytest.mark.parametrize(
    ("instance_type", "paid"),
    [
        ("ml.g5.xlarge", True),
        ("ml.g6e.12xlarge", True),
        ("ml.p4d.24xlarge", True),
        ("local_gpu", True),
        ("local", False),
        ("ml.c5.2xlarge", False),
        ("ml.m5.large", False),
        ("", False),
    ],
)
def test_gpus_are_paid_for_where_the_kind_of_machine_has_some(instance_type: str, paid: bool) -> None:
    assert Machine(2, gpus=1, instance_type=instance_type).gpus_paid == paid


def test_a_machine_without_gpus_has_its_cores(tmp_path: Path) -> None:
    assert this_machine(tmp_path) == Machine(available_cores(), gpus=0)
