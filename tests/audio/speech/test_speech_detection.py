from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio.speech import speech_detection
from chalicelib.audio.speech.speech_detection import SpeechDetector, Stretch, find_speech
from tests.audio.signals import Samples, noise, silence, tone, voice

RATES_HZ = [8000, 11025, 16000, 44100]


def total_s(stretches: list[Stretch]) -> float:
    return sum(stretch.duration_s for stretch in stretches)


def two_phrases(rate_hz: int) -> Samples:
    """Speech from 1 to 3 s and from 4 to 7 s, in 8 s."""
    quiet = [noise(1, rate_hz, 0.0005, seed) for seed in range(3)]
    return np.concatenate([quiet[0], voice(2, rate_hz), quiet[1], voice(3, rate_hz), quiet[2]])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_phrases_are_found_where_they_are(rate_hz: int) -> None:
    first, second = find_speech(two_phrases(rate_hz), rate_hz)
    assert [first.start_s, first.end_s] == pytest.approx([1, 3], abs=0.25)
    assert [second.start_s, second.end_s] == pytest.approx([4, 7], abs=0.25)


@pytest.mark.parametrize("level", [0.3, 0.03, 0.003])
def test_quiet_recordings_are_heard_as_well(level: float) -> None:
    assert total_s(find_speech(two_phrases(16000) * np.float32(level / 0.1), 16000)) == pytest.approx(
        5, abs=0.8
    )


def test_speech_is_found_in_noise() -> None:
    noisy = two_phrases(16000) + noise(8, 16000, 0.02)
    assert total_s(find_speech(noisy, 16000)) == pytest.approx(5, abs=1)


@pytest.mark.parametrize(
    "samples",
    [
        silence(30, 16000),
        np.empty(0, np.float32),
        tone(30, 16000),
        tone(30, 16000, 50),
        noise(30, 16000, 0.2),
        noise(30, 16000, 0.001),
        np.full(16000 * 5, 0.5, np.float32),
    ],
    ids=["silence", "nothing", "tone", "hum", "loud noise", "faint noise", "offset"],
)
def test_steady_sounds_are_no_speech(samples: Samples) -> None:
    assert find_speech(samples, 16000) == []


def test_a_click_is_no_speech() -> None:
    samples = silence(3, 16000)
    samples[20_000:20_040] = 0.9
    assert total_s(find_speech(samples, 16000)) < 0.2


def test_a_short_pause_is_bridged() -> None:
    assert len(find_speech(two_phrases(16000), 16000, min_silence_s=1.5)) == 1
    assert len(find_speech(two_phrases(16000), 16000, min_silence_s=0.5)) == 2


def test_padding_stays_in_the_pause_and_in_the_recording() -> None:
    bare = find_speech(two_phrases(16000), 16000)
    padded = find_speech(two_phrases(16000), 16000, padding_s=0.2)
    assert [s.start_s for s in padded] == pytest.approx([s.start_s - 0.2 for s in bare])
    assert [s.end_s for s in padded] == pytest.approx([s.end_s + 0.2 for s in bare])
    first, second = find_speech(two_phrases(16000), 16000, padding_s=5)
    assert (first.start_s, second.end_s) == (0, 8)
    assert first.end_s == second.start_s


@given(
    cuts=st.lists(st.integers(0, 8 * 8000), max_size=12),
    padding_s=st.sampled_from([0.0, 0.2, 2.0]),
    rate_hz=st.sampled_from([8000, 11025]),
)
@settings(max_examples=30, deadline=None)
def test_the_sizes_of_pieces_change_nothing(cuts: list[int], padding_s: float, rate_hz: int) -> None:
    samples = np.concatenate([two_phrases(rate_hz)] * 4)
    expected = find_speech(samples, rate_hz, padding_s=padding_s)
    detector = SpeechDetector(rate_hz, padding_s=padding_s)
    found = [stretch for piece in np.split(samples, sorted(cuts)) for stretch in detector.feed(piece)]
    assert [*found, *detector.finish()] == expected


@given(
    seconds=st.lists(st.tuples(st.booleans(), st.floats(0.05, 12)), max_size=5),
    min_silence_s=st.sampled_from([0.05, 0.3, 0.8]),
    padding_s=st.sampled_from([0.0, 0.1, 1.0]),
    aggressiveness=st.integers(0, 3),
)
@settings(max_examples=25, deadline=None)
def test_stretches_are_in_order_within_the_recording(
    seconds: list[tuple[bool, float]], min_silence_s: float, padding_s: float, aggressiveness: int
) -> None:
    parts = [voice(length, 8000) if spoken else noise(length, 8000, 0.0005) for spoken, length in seconds]
    samples = np.concatenate([*parts, np.empty(0, np.float32)])
    found = find_speech(
        samples, 8000, min_silence_s=min_silence_s, padding_s=padding_s, aggressiveness=aggressiveness
    )
    edges = [edge for stretch in found for edge in (stretch.start_s, stretch.end_s)]
    assert edges == sorted(edges)
    assert not edges or (edges[0] >= 0 and edges[-1] <= len(samples) / 8000)
    assert all(stretch.duration_s > 0 for stretch in found)


def test_speech_in_a_stream() -> None:
    samples = two_phrases(16000)
    detector = SpeechDetector(16000)
    found = [stretch for part in np.split(samples, 10) for stretch in detector.feed(part)]
    assert [*found, *detector.finish()] == find_speech(samples, 16000)


@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_digital_silence_is_judged_at_once_as_frame_by_frame(
    monkeypatch: pytest.MonkeyPatch, rate_hz: int
) -> None:
    phrases = two_phrases(rate_hz)
    samples = np.concatenate([phrases, silence(90, rate_hz), phrases, silence(31.234, rate_hz), phrases])
    found = find_speech(samples, rate_hz)
    monkeypatch.setattr(speech_detection, "_STILL_FRAMES", 1_000_000)
    assert found == find_speech(samples, rate_hz)
    assert len(found) >= 6
