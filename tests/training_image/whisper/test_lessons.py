"""Lessons are all taught in every epoch, in windows as the recogniser has them."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.mel import FRAMES_PER_S, LONGEST_S, SAMPLE_RATE_HZ, Window
from training_image.whisper.lessons import AudioClip, BatchPlan, Lesson, batches

WINDOW = Window(6.0, 2.0)


def _lessons(durations_s: list[float]) -> list[Lesson]:
    return [
        Lesson(AudioClip(np.full(round(one * SAMPLE_RATE_HZ), place / 1000, np.float32)), (place,))
        for place, one in enumerate(durations_s)
    ]


def _planned(lessons: list[Lesson], seed: int) -> list[BatchPlan]:
    return batches(lessons, longest_s=10.0, batch_s=40.0, window=WINDOW, choice=random.Random(seed))


durations = st.lists(st.floats(0.5, 20.0), min_size=1, max_size=40)


@given(durations, st.integers(0, 5))
def test_every_lesson_is_taught_once_an_epoch(durations_s: list[float], seed: int) -> None:
    plans = _planned(_lessons(durations_s), seed)
    taught = Counter(one for plan in plans for window in plan.windows for one in window.ids)
    assert taught == Counter(range(len(durations_s)))


@given(durations, st.integers(0, 5))
def test_windows_are_at_least_as_long_as_the_recognisers(durations_s: list[float], seed: int) -> None:
    for plan in _planned(_lessons(durations_s), seed):
        assert plan.frames % 2 == 0
        longest = max(len(window.samples()) // 160 for window in plan.windows)
        assert WINDOW.frames(longest) - 4 <= plan.frames <= LONGEST_S * FRAMES_PER_S


@given(durations, st.integers(0, 5))
def test_batches_are_bounded(durations_s: list[float], seed: int) -> None:
    for plan in _planned(_lessons(durations_s), seed):
        longest_beyond = 1.0 * FRAMES_PER_S
        assert (
            len(plan.windows) == 1 or len(plan.windows) * (plan.frames - longest_beyond) <= 40 * FRAMES_PER_S
        )


@given(durations, st.integers(0, 5))
def test_the_same_choice_gives_the_same_plan(durations_s: list[float], seed: int) -> None:
    lessons = _lessons(durations_s)
    assert _planned(lessons, seed) == _planned(lessons, seed)


def test_a_window_holds_its_lessons_in_order_with_pauses() -> None:
    lessons = _lessons([1.0, 2.0, 1.5, 1.0, 0.7, 2.2])
    for plan in _planned(lessons, 3):
        for window in plan.windows:
            samples = window.samples()
            assert (
                len(samples) / SAMPLE_RATE_HZ == round(window.speech_s, 3)
                or abs(len(samples) / SAMPLE_RATE_HZ - window.speech_s) < 0.001
            )
            place = 0
            for lesson, pause_s in zip(window.lessons, window.pauses_s, strict=True):
                spoken = lesson.audio.samples()
                np.testing.assert_array_equal(samples[place : place + len(spoken)], spoken)
                place += len(spoken) + round(pause_s * SAMPLE_RATE_HZ)


def test_what_teaches_silence_shares_no_window() -> None:
    lessons = [
        *_lessons([1.0] * 12),
        *(Lesson(AudioClip(np.zeros(16_000, np.float32)), ()) for _ in range(4)),
    ]
    windows = [window for plan in _planned(lessons, 1) for window in plan.windows]
    silent = [window for window in windows if any(not one.ids for one in window.lessons)]
    assert len(silent) == 4
    assert all(len(window.lessons) == 1 for window in silent)
