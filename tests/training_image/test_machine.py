"""What a job sees of its machine."""

from __future__ import annotations

from pathlib import Path

from training_image.machine import Machine, this_machine
from training_image.workers import available_cores


def test_a_container_has_the_gpus_that_it_was_given(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia11", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / name).touch()
    assert this_machine(tmp_path) == Machine(available_cores(), gpus=2)


def test_a_machine_without_gpus_has_its_cores(tmp_path: Path) -> None:
    assert this_machine(tmp_path) == Machine(available_cores(), gpus=0)
