"""Speech to teach by: what is read out, and how it is heard."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fitting.whisper.teaching_speech import heard, passage, sentences, unspoken
from training_image.speech.non_speech import RATE_HZ

TEXT = """
Title of it

A first sentence, with
a line break. A second one! A sentence with <markup> is left out. Too short.

no capital. Is this one read?
"""


def test_whole_sentences_are_found() -> None:
    found = sentences(TEXT)
    assert found == [
        "A first sentence, with a line break.",
        "A second one!",
        "Too short.",
        "Is this one read?",
    ]


@given(st.integers(0, 10_000))
def test_there_is_always_something_to_say(seed: int) -> None:
    said = passage(sentences(TEXT), random.Random(seed))
    assert any(character.isalnum() for character in said)
    assert "  " not in said
    assert passage(sentences(TEXT), random.Random(seed)) == said


@given(st.integers(0, 200))
def test_what_is_heard_is_finite_within_range_and_about_as_long(seed: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    sound = heard(tone, random.Random(seed))
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert 0.02 < np.abs(sound).max() < 1
    assert 0.85 < len(sound) / len(tone) < 1.2


@given(st.integers(0, 200))
def test_nobody_speaks_for_a_few_seconds(seed: int) -> None:
    sound = unspoken(random.Random(seed))
    assert 0.5 <= len(sound) / RATE_HZ < 9.1
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() > 0
