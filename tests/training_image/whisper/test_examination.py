"""What a network makes of what judges it outlives a kill."""

from __future__ import annotations

import pytest

pytest.importorskip("ctranslate2")

from training_image.guard import Errors, Figures, Hearing
from training_image.whisper.examination import hearing_arrays, hearing_of, non_speech_that_is_heard

HEARING = Hearing(
    held_out=Figures(words=37, words_a_minute=134.61, mean_posterior=0.8744, different_words=34),
    agreement=0.97,
    sure_words_found=1.0,
    spoken=33,
    silenced=1,
    ordinary=Errors(words=681, errors=38),
    non_speech_words=0,
    repetitions=2,
)


def test_a_network_is_judged_by_what_the_detector_lets_it_hear() -> None:
    heard = [one.name for one in non_speech_that_is_heard()]
    assert "silence" not in heard
    assert len(heard) >= 20
    assert len(set(heard)) >= 10
    assert {"brown noise", "major chords", "engine", "hammering", "wind"} <= set(heard)


def test_a_saved_hearing_is_the_same() -> None:
    assert hearing_of(hearing_arrays(HEARING, "a" * 64), "a" * 64) == HEARING


def test_a_hearing_of_another_change_says_nothing() -> None:
    assert hearing_of(hearing_arrays(HEARING, "a" * 64), "b" * 64) is None
