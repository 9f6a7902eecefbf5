"""Streamed bodies that hold too little speech, and how fast they have to come."""

from __future__ import annotations

import pytest

from chalicelib.recognition.audio.inactivity import (
    LEAST_BYTES_PER_S,
    NoSpeech,
    check_speech,
    least_bytes_per_s,
)
from chalicelib.recognition.audio.utterances import UtteranceSpan
from tests.audio import signals

RATE_HZ = 8000


def spans(*seconds: tuple[float, float]) -> list[UtteranceSpan]:
    return [UtteranceSpan(round(start_s * RATE_HZ), round(end_s * RATE_HZ)) for start_s, end_s in seconds]


@pytest.mark.parametrize(
    ("spoken", "duration_s", "timeout_s", "streamed_s"),
    [
        (spans(), 30.0, 30, 0.1),
        (spans((29.8, 31.0)), 32.0, 30, 0.1),
        (spans((0.0, 2.0)), 40.0, 30, 41.0),
        (spans((0.0, 2.0), (33.0, 35.0)), 36.0, 30, 41.0),
        (spans(), 6.0, 5, 0.1),
    ],
    ids=["silence", "silent at first", "falls silent", "a long pause", "another timeout"],
)
def test_too_long_a_silence_is_refused(
    spoken: list[UtteranceSpan], duration_s: float, timeout_s: int, streamed_s: float
) -> None:
    with pytest.raises(NoSpeech, match=f"No speech detected for {timeout_s}s"):
        check_speech(spoken, duration_s, RATE_HZ, timeout_s, streamed_s)


@pytest.mark.parametrize(
    ("spoken", "duration_s", "timeout_s", "streamed_s"),
    [
        (spans(), 29.9, 30, 60.0),
        (spans(), 300.0, -1, 300.0),
        (spans((29.0, 31.0)), 32.0, 30, 32.0),
        (spans((0.0, 2.0), (33.0, 35.0)), 36.0, 30, 2.0),
        (spans((0.0, 2.0)), 31.0, 30, 60.0),
    ],
    ids=["short", "never", "just in time", "a file with a pause", "a shorter silence"],
)
def test_other_silences_are_not(
    spoken: list[UtteranceSpan], duration_s: float, timeout_s: int, streamed_s: float
) -> None:
    check_speech(spoken, duration_s, RATE_HZ, timeout_s, streamed_s)


@pytest.mark.parametrize(
    ("content_type", "head", "expected"),
    [
        ("audio/l16; rate=16000; channels=2", b"", 64_000),
        ("audio/mulaw; rate=8000", b"", 8000),
        ("audio/basic", b"", 8000),
        ("audio/g729", b"", 1000),
        (None, signals.wav(signals.silence(1, RATE_HZ), RATE_HZ), 16_000),
        ("audio/wav", b"RIFF", LEAST_BYTES_PER_S),
        ("audio/flac", b"fLaC", LEAST_BYTES_PER_S),
        (None, b"", LEAST_BYTES_PER_S),
        ("nonsense", b"", LEAST_BYTES_PER_S),
    ],
)
def test_bytes_in_a_second_of_audio(content_type: str | None, head: bytes, expected: float) -> None:
    assert least_bytes_per_s(content_type, head) == expected
