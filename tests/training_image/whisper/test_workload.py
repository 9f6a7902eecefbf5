"""What progress is told by adds up: what is left when learning begins is what the plans hold."""

from __future__ import annotations

import numpy as np
import pytest

from training_image.whisper.lessons import AudioClip, BatchPlan, Lesson, WindowPlan
from training_image.whisper.workload import JUDGED_SHARES, LEARNING, Workload

WORK = Workload(rounds=3, a_round=100.0, a_hearing=10.0)


def test_everything_is_the_rounds_and_the_hearings() -> None:
    assert WORK.total == 3 * 100 + (1 + JUDGED_SHARES) * 10


@pytest.mark.parametrize(("number", "rounds_left"), [(1, 2), (2, 1), (3, 0)])
def test_what_is_left_when_a_round_learns(number: int, rounds_left: int) -> None:
    assert WORK.left([], number) == rounds_left * 100 + JUDGED_SHARES * 10


def test_learning_costs_what_is_in_the_batches() -> None:
    lessons = [Lesson(AudioClip(np.zeros(16_000 * length_s, np.float32)), (1,)) for length_s in (4, 12)]
    window = WindowPlan(tuple(lessons), (0.0, 0.5), seed=0)
    plan = BatchPlan((window, window), 2000)
    assert plan.speech_s == 33
    assert WORK.left([plan], 3) == LEARNING * 33 + JUDGED_SHARES * 10
