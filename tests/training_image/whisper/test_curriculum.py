"""A round teaches the user's speech, and as much ordinary speech and silence beside it as the course says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ctranslate2")

from training_image.speech.transcripts import Transcripts
from training_image.speech.utterances import Utterance
from training_image.whisper import selection
from training_image.whisper.bases import NetworkBase, base_of
from training_image.whisper.course import Course
from training_image.whisper.curriculum import Curriculum, lessons_of_readings, lessons_of_transcripts
from training_image.whisper.lessons import AudioClip, BatchPlan, Lesson
from training_image.whisper.teacher import Read

SAID = ("please", "hold", "the", "line", "until", "an", "agent", "answers")
OWN = 7
"""Token of the user's speech in these tests."""


@pytest.fixture(scope="module")
def base() -> NetworkBase:
    return base_of(None, "en")


def _own(count: int) -> list[Lesson]:
    return [Lesson(AudioClip(np.zeros(5 * 16_000, np.float32)), (OWN,)) for _ in range(count)]


def _seconds(plans: list[BatchPlan]) -> dict[str, float]:
    """Return how long each kind of lesson is taught in one epoch."""
    found = {"own": 0.0, "ordinary": 0.0, "silent": 0.0}
    for plan in plans:
        for window in plan.windows:
            for lesson in window.lessons:
                kind = "own" if lesson.ids == (OWN,) else "ordinary" if lesson.ids else "silent"
                found[kind] += lesson.audio.duration_s
    return found


def test_ordinary_speech_and_silence_stand_beside_the_users(base: NetworkBase) -> None:
    own = _own(60)
    course = Course(epochs=1.0, replay_share=0.15, silence_share=0.08)
    taught = _seconds(Curriculum(base, course).plans(1, own))
    assert taught["own"] == 300
    assert 0.15 * 300 <= taught["ordinary"] < 0.15 * 300 + 20
    assert 0.08 * 300 <= taught["silent"] < 0.08 * 300 + 20


def test_nothing_stands_beside_it_where_that_is_asked_for(base: NetworkBase) -> None:
    own = _own(10)
    taught = _seconds(Curriculum(base, Course(replay_share=0.0, silence_share=0.0)).plans(1, own))
    assert taught["ordinary"] == taught["silent"] == 0


def test_ordinary_speech_is_for_networks_that_hear_english_only() -> None:
    own = _own(20)
    german = NetworkBase(base_of(None, "en").weights, "de", embedded=True)
    assert not german.hears_english
    assert _seconds(Curriculum(german, Course(epochs=1.0)).plans(1, own))["ordinary"] == 0


def test_each_epoch_and_each_round_draws_anew_and_alike(base: NetworkBase) -> None:
    own = _own(12)
    curriculum = Curriculum(base, Course(epochs=2.0))
    first, second = curriculum.plans(1, own), curriculum.plans(2, own)
    assert _order(first) == _order(Curriculum(base, Course(epochs=2.0)).plans(1, own))
    assert _order(first) != _order(second)


def _order(plans: list[BatchPlan]) -> list[tuple[int, ...]]:
    return [window.ids for plan in plans for window in plan.windows]


def _utterances(count: int) -> list[Utterance]:
    return [
        Utterance("calls", f"{one}.wav", 0.0, 3.0, Path("none"), 16_000, 0, 48_000) for one in range(count)
    ]


def test_what_the_corpora_hold_teaches_however_unsure_the_reading_was(base: NetworkBase) -> None:
    heard = tuple(base.tokens.encode(" please hold the line until a agent answers"))
    read = [Read(heard, -1.0), Read(tuple(base.tokens.encode(" something else")), -1.1)]
    left_out = {0: selection.UNSURE, 1: selection.UNSURE}
    lessons, transcribed_s = lessons_of_readings(
        base.tokens, _utterances(2), read, left_out, Transcripts([SAID])
    )
    assert [base.tokens.decode(one.ids).strip() for one in lessons] == [" ".join(SAID)]
    assert (transcribed_s, left_out) == (3.0, {1: selection.UNSURE})


def test_without_corpora_what_was_read_teaches(base: NetworkBase) -> None:
    read = [Read((1, 2), -0.1), Read((3,), -0.2)]
    lessons, transcribed_s = lessons_of_readings(
        base.tokens, _utterances(2), read, {1: selection.UNSURE}, None
    )
    assert ([one.ids for one in lessons], transcribed_s) == ([(1, 2)], 0.0)


def test_true_transcripts_teach_in_place_of_readings(base: NetworkBase) -> None:
    lessons, transcribed_s = lessons_of_transcripts(base.tokens, _utterances(3), {2: "hold the line"})
    assert [base.tokens.decode(one.ids) for one in lessons] == [" hold the line"]
    assert transcribed_s == 3.0
