"""Telling speakers apart, and the shape of the labels."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio.speech.voice_features import VoiceFeatures
from chalicelib.engines.protocol import Samples
from chalicelib.recognition.audio.diarization import MAX_SPEAKERS, SpeakerLabel, TimedWord, diarized
from chalicelib.recognition.audio.speaker_labels import speaker_labels
from infra.local.demo.prompts import Prompt
from tests.audio import signals

RATE_HZ = 8000
WORD_S = 0.4
NAMES = (
    "conf-extended",
    "conf-invalid",
    "cannot-complete-as-dialed",
    "agent-incorrect",
    "auth-incorrect",
    "conf-kicked",
)


def gathered(samples: Samples) -> VoiceFeatures:
    voices = VoiceFeatures(RATE_HZ)
    voices.feed(samples)
    return voices


def spoken(turns: Sequence[Samples]) -> tuple[list[TimedWord], list[int], Samples]:
    """Turns with pauses between them, cut into words of equal length; and the turn of each word."""
    words: list[TimedWord] = []
    turn_of_word: list[int] = []
    parts: list[Samples] = []
    start_s = 0.0
    for number, turn in enumerate(turns):
        parts += [turn, signals.noise(0.5, RATE_HZ, 0.0003)]
        length_s = len(turn) / RATE_HZ
        edges = np.linspace(start_s, start_s + length_s, max(round(length_s / WORD_S), 1) + 1)
        words += [TimedWord(begin, end) for begin, end in itertools.pairwise(edges.tolist())]
        turn_of_word += [number] * (len(words) - len(turn_of_word))
        start_s += length_s + 0.5
    return words, turn_of_word, np.concatenate(parts)


@pytest.fixture(scope="module")
def sentences(prompt_named: dict[str, Prompt]) -> list[Samples]:
    """Sentences of one woman."""
    return [
        soundfile.read(prompt_named[name].path, dtype="float32")[0] for name in NAMES if name in prompt_named
    ]


def lower(samples: Samples) -> Samples:
    """The same as by somebody with a vocal tract a fifth longer."""
    return np.asarray(soxr.resample(samples, RATE_HZ, RATE_HZ * 1.2), np.float32)


def test_one_speaker_is_one(sentences: list[Samples]) -> None:
    words, _, samples = spoken(sentences)
    labels = diarized(words, gathered(samples))
    assert [label.word for label in labels] == words
    assert {label.speaker for label in labels} == {0}
    assert all(label.confidence == 1.0 for label in labels)


def test_two_speakers_are_told_apart(sentences: list[Samples]) -> None:
    turns = [lower(turn) if number % 2 else turn for number, turn in enumerate(sentences)]
    words, turn_of_word, samples = spoken(turns)
    labels = diarized(words, gathered(samples))
    right = [label.speaker == turn % 2 for label, turn in zip(labels, turn_of_word, strict=True)]
    assert np.mean(right) > 0.9
    assert {label.speaker for label in labels} == {0, 1}


def test_the_first_to_speak_is_speaker_0(sentences: list[Samples]) -> None:
    turns = [turn if number % 2 else lower(turn) for number, turn in enumerate(sentences)]
    words, _, samples = spoken(turns)
    assert diarized(words, gathered(samples))[0].speaker == 0


def test_nobody_speaks() -> None:
    assert diarized([], gathered(signals.silence(1, RATE_HZ))) == []


@given(
    edges=st.lists(st.floats(0, 3.2), max_size=40).map(sorted),
    pitches=st.lists(st.sampled_from([0.7, 1.0, 1.4]), min_size=1, max_size=4),
)
@settings(max_examples=30, deadline=None)
def test_every_word_gets_one_of_a_few_speakers(edges: list[float], pitches: list[float]) -> None:
    """Words may be empty, adjoin, and lie beyond the audio."""
    parts = [soxr.resample(signals.voice(0.7, RATE_HZ), RATE_HZ, RATE_HZ * pitch) for pitch in pitches]
    words = [TimedWord(begin, end) for begin, end in zip(edges[::2], edges[1::2], strict=False)]
    labels = diarized(words, gathered(np.concatenate(parts).astype(np.float32)))
    assert [label.word for label in labels] == words
    assert all(0 <= label.confidence <= 1 for label in labels)
    seen = list(dict.fromkeys(label.speaker for label in labels))
    assert seen == list(range(len(seen)))
    assert len(seen) <= MAX_SPEAKERS


def test_a_long_recording_is_clustered_by_its_longest_phrases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.recognition.audio.diarization._MOST_PHRASES", 3)
    turns = [signals.voice(2.5, RATE_HZ)] * 6
    words, _, samples = spoken(turns)
    labels: list[SpeakerLabel] = diarized(words, gathered(samples))
    assert {label.speaker for label in labels} == {0}


def test_labels_have_watson_s_shape() -> None:
    results: list[dict[str, Any]] = [
        {
            "alternatives": [
                {"timestamps": [["one", 0.1, 0.5], ["two", 0.5, 0.9]]},
                {"transcript": "won two "},
            ]
        },
        {"alternatives": [{"timestamps": [["three", 1.5, 2.0]]}]},
    ]
    labels = speaker_labels(results, gathered(signals.voice(2.2, RATE_HZ)))
    assert labels == [
        {"from": 0.1, "to": 0.5, "speaker": 0, "confidence": 1.0, "final": False},
        {"from": 0.5, "to": 0.9, "speaker": 0, "confidence": 1.0, "final": False},
        {"from": 1.5, "to": 2.0, "speaker": 0, "confidence": 1.0, "final": True},
    ]
