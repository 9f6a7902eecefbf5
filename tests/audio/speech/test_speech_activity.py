from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chalicelib.audio.speech import speech_activity
from chalicelib.audio.speech.speech_activity import FRAME_S, Detection, SpeechActivity
from chalicelib.audio.stream import Samples
from tests.audio.signals import noise, silence, tone, voice

PER_S = round(1 / FRAME_S)


def speech_in(samples: Samples, rate_hz: int = 8000, detection: Detection | None = None) -> NDArray[np.bool_]:
    activity = SpeechActivity(rate_hz, detection)
    return np.concatenate([activity.feed(samples).speech, activity.finish().speech])


def near_and_far() -> Samples:
    """Speech from 1 to 4 s, then, 20 dB below it, from 5 to 8 s, in 9 s."""
    samples = noise(9, 8000, 0.0003)
    samples[8000:32_000] += voice(3, 8000)
    samples[40_000:64_000] += voice(3, 8000, 0.01)
    return samples


@st.composite
def recordings(draw: st.DrawFn) -> Samples:
    parts = []
    for seed in range(draw(st.integers(1, 6))):
        length_s, level = draw(st.floats(0.05, 2.0)), draw(st.sampled_from([0.001, 0.01, 0.1]))
        kind = draw(st.sampled_from(["voice", "noise", "tone", "silence"]))
        part = noise(length_s, 8000, 0.0005, seed)
        if kind == "voice":
            part += voice(length_s, 8000, level)
        elif kind == "tone":
            part += tone(length_s, 8000, level=level)
        elif kind == "noise":
            part += noise(length_s, 8000, level, seed + 100)
        parts.append(part if kind != "silence" else silence(length_s, 8000))
    return np.concatenate(parts)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("hiss", [0.0003, 0.003, 0.01])
def test_speech_is_told_from_the_hiss_around_it(rate_hz: int, hiss: float) -> None:
    samples = noise(9, rate_hz, hiss)
    samples[3 * rate_hz : 6 * rate_hz] += voice(3, rate_hz)
    found = speech_in(samples, rate_hz)
    assert not found[: 3 * PER_S - 16].any()
    assert found[3 * PER_S : 6 * PER_S].mean() > 0.5
    assert not found[6 * PER_S + 10 :].any()


def test_each_part_of_a_recording_has_its_own_background() -> None:
    near, far = noise(100, 8000, 0.001), noise(200, 8000, 0.00005)
    near[20 * 8000 : 30 * 8000] += voice(10, 8000)
    far[170 * 8000 : 180 * 8000] += voice(10, 8000) / 100
    found = speech_in(np.concatenate([near, far]))
    for start_s in (20, 270):
        assert found[start_s * PER_S : (start_s + 10) * PER_S].mean() > 0.5


@pytest.mark.parametrize(
    "samples",
    [
        silence(5, 8000),
        np.empty(0, np.float32),
        tone(5, 8000),
        tone(5, 8000, 50),
        noise(5, 8000, 0.2),
        noise(5, 8000, 0.001),
        np.full(8000 * 5, 0.5, np.float32),
    ],
    ids=["silence", "nothing", "tone", "hum", "loud noise", "faint noise", "offset"],
)
def test_steady_sounds_are_no_speech(samples: Samples) -> None:
    assert not speech_in(samples).any()


def test_a_click_is_no_speech() -> None:
    samples = noise(3, 8000, 0.0003)
    samples[10_000:10_020] = 0.9
    assert not speech_in(samples).any()


def test_the_end_of_speech_is_noticed_at_once() -> None:
    """With the last sample of 0.2 s of silence it is known that speech has ended."""
    samples = np.concatenate([noise(1, 8000, 0.0003), voice(2, 8000), noise(1, 8000, 0.0003, 1)])
    activity = SpeechActivity(8000)
    found = activity.feed(samples[: round(3.2 * 8000)]).speech
    assert len(found) == 3.2 * PER_S
    assert found[2 * PER_S :].any()
    assert not found[-3:].any()


@given(recordings(), st.lists(st.integers(0, 60_000), max_size=12))
@settings(max_examples=25, deadline=None)
def test_the_sizes_of_pieces_change_nothing(samples: Samples, cuts: list[int]) -> None:
    activity = SpeechActivity(8000)
    parts = [activity.feed(piece) for piece in np.split(samples, sorted(cuts))]
    parts.append(activity.finish())
    assert np.array_equal(np.concatenate([part.speech for part in parts]), speech_in(samples))
    levels_db = np.concatenate([part.levels_db for part in parts])
    assert len(levels_db) == -(-len(samples) // 160)


@given(recordings(), st.lists(st.floats(0, 1), min_size=2, max_size=2), st.sampled_from([0.0, 0.5]))
@settings(max_examples=60, deadline=None)
def test_more_sensitivity_is_never_less_speech(
    samples: Samples, sensitivities: list[float], suppression: float
) -> None:
    less, more = (
        speech_in(samples, detection=Detection(sensitivity, suppression))
        for sensitivity in sorted(sensitivities)
    )
    assert (less <= more).all()


@given(recordings(), st.lists(st.floats(0, 1), min_size=2, max_size=2), st.sampled_from([0.3, 0.5, 1.0]))
@settings(max_examples=30, deadline=None)
def test_more_suppression_is_never_more_speech(
    samples: Samples, suppressions: list[float], sensitivity: float
) -> None:
    more, less = (
        speech_in(samples, detection=Detection(sensitivity, suppression))
        for suppression in sorted(suppressions)
    )
    assert (less <= more).all()


@pytest.mark.parametrize("detection", [Detection(sensitivity=0), Detection(suppression=1)])
def test_the_ends_of_the_ranges_hear_nothing(detection: Detection) -> None:
    assert detection.nothing
    assert not speech_in(voice(3, 8000), detection=detection).any()


@pytest.mark.parametrize(
    ("suppression", "far_is_heard"), [(0.0, True), (0.2, True), (0.5, False), (0.8, False)]
)
def test_background_talk_is_suppressed(suppression: float, far_is_heard: bool) -> None:
    found = speech_in(near_and_far(), detection=Detection(suppression=suppression))
    assert found[PER_S : 4 * PER_S].mean() > 0.5
    assert found[5 * PER_S : 8 * PER_S].any() == far_is_heard


def test_sensitivity_decides_on_faint_speech_in_noise() -> None:
    samples = noise(8, 8000, 0.01)
    samples[16_000:48_000] += voice(4, 8000, 0.012)
    shares = [
        speech_in(samples, detection=Detection(sensitivity))[2 * PER_S : 6 * PER_S].mean()
        for sensitivity in (0.1, 0.5, 0.9)
    ]
    assert shares[0] < shares[1] < shares[2]


def test_only_rates_of_the_detector_are_taken() -> None:
    with pytest.raises(ValueError, match="44100"):
        SpeechActivity(44_100)


def test_the_detector_is_off_only_with_nothing_suppressed() -> None:
    off = Detection(sensitivity=1)
    assert off.everything
    assert not replace(off, suppression=0.1).everything


def muted(rate_hz: int, silence_s: float) -> Samples:
    """Speech on both sides of digital silence, and other silences that are not whole frames or steps."""
    odd = np.zeros(round(1.2345 * rate_hz), np.float32)
    parts = [near_and_far(), silence(silence_s, rate_hz), near_and_far(), odd, near_and_far(), odd]
    return np.concatenate(parts)


@pytest.mark.parametrize("block_s", [0.1, 3.7, 10.0])
@pytest.mark.parametrize("sensitivity", [0.0, 0.4, 0.8])
def test_digital_silence_is_judged_at_once_as_frame_by_frame(
    monkeypatch: pytest.MonkeyPatch, block_s: float, sensitivity: float
) -> None:
    samples, block = muted(8000, 400), round(block_s * 8000)

    def judged() -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        activity = SpeechActivity(8000, Detection(sensitivity))
        frames = [activity.feed(samples[at : at + block]) for at in range(0, len(samples), block)]
        frames.append(activity.finish())
        return (
            np.concatenate([one.speech for one in frames]),
            np.concatenate([one.levels_db for one in frames]),
        )

    speech, levels_db = judged()
    monkeypatch.setattr(speech_activity, "_STILL_FRAMES", 1_000_000)
    slowly, slow_levels_db = judged()
    np.testing.assert_array_equal(speech, slowly)
    np.testing.assert_array_equal(levels_db, slow_levels_db)
    assert speech.any() == (sensitivity > 0)


def test_hours_of_digital_silence_cost_a_tenth_of_an_hour_of_noise() -> None:
    hiss = noise(60, 8000, 0.001)
    silent = np.zeros_like(hiss)

    def took_s(samples: Samples, times: int) -> float:
        activity = SpeechActivity(8000)
        activity.feed(samples)
        began_s = time.process_time()
        for _ in range(times):
            activity.feed(samples)
        return time.process_time() - began_s

    assert took_s(silent, 30) < took_s(hiss, 3)
