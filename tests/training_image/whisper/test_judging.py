"""A judge hears what it must, once, and no more than the time allows."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

pytest.importorskip("ctranslate2")

from tests.training_image.whisper.test_examination import HEARING
from training_image import guard
from training_image.adaptation import Assignment
from training_image.checkpoint import Checkpoint
from training_image.container.machine import Machine
from training_image.progress import WorkDone
from training_image.whisper.examination import Examination
from training_image.whisper.judging import Judge
from training_image.whisper.teacher import Teacher
from training_image.whisper.workload import Workload


class _Counting:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def hearing(self, *_: Any) -> guard.Hearing:
        self.asked += 1
        return dataclasses.replace(HEARING, repetitions=self.asked)

    def read(self, *_: Any) -> list[Any]:
        return []


def _judge(folder: Path, heard: _Counting, seconds_left: Callable[[], float] = lambda: math.inf) -> Judge:
    assignment = Assignment(
        adaptation=[],
        held_out=[],
        base_version="v",
        machine=Machine(cores=1),
        checkpoint=Checkpoint(folder, "owner"),
        report_progress=lambda *_: None,
        seconds_left=seconds_left,
    )
    return Judge(assignment, cast(Examination, heard), Workload(1, 1.0, 1.0), WorkDone(lambda *_: None, 1.0))


def test_what_was_heard_is_not_heard_again_after_a_kill(tmp_path: Path) -> None:
    heard = _Counting()
    teacher = cast(Teacher, heard)
    first = _judge(tmp_path, heard).share(0.5, "a" * 64, lambda: teacher, [])
    assert _judge(tmp_path, heard).share(0.5, "a" * 64, lambda: teacher, []) == first
    assert heard.asked == 1


def test_another_change_is_heard_anew(tmp_path: Path) -> None:
    heard = _Counting()
    teacher = cast(Teacher, heard)
    judge = _judge(tmp_path, heard)
    first = judge.share(0.5, "a" * 64, lambda: teacher, [])
    assert judge.share(0.5, "b" * 64, lambda: teacher, []) != first


def test_no_share_is_judged_that_the_time_does_not_allow(tmp_path: Path) -> None:
    left_s = iter([100.0, 100.0, 5.0])
    judge = _judge(tmp_path, _Counting(), lambda: next(left_s))
    judge.took_s = 50.0
    assert list(judge.affordable()) == list(guard.ALPHAS[:2])
