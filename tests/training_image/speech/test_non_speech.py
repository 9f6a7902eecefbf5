"""Clips in which nobody speaks."""

from __future__ import annotations

import numpy as np
import pytest

from training_image.speech.non_speech import (
    LONGEST_S,
    RATE_HZ,
    SHORTEST_S,
    NonSpeechClip,
    Part,
    clips,
    coloured,
)

PARTS: tuple[Part, Part] = ("guard", "replay")


def _clip(part: Part, name: str) -> NonSpeechClip:
    return next(clip for clip in clips(part) if clip.name == name)


def _loudest_hz(clip: NonSpeechClip) -> float:
    spectrum = np.abs(np.fft.rfft(clip.samples))
    return float(np.fft.rfftfreq(len(clip.samples), 1 / RATE_HZ)[spectrum.argmax()])


@pytest.mark.parametrize("part", PARTS)
def test_clips_are_a_few_seconds_within_range(part: Part) -> None:
    found = clips(part)
    assert len(found) == 20
    for clip in found:
        assert clip.samples.dtype == np.float32
        assert SHORTEST_S <= len(clip.samples) / RATE_HZ <= LONGEST_S
        assert np.isfinite(clip.samples).all()
        assert np.abs(clip.samples).max() <= 1
        assert (np.abs(clip.samples).max() > 0.0005) == (clip.name != "silence"), clip.name


@pytest.mark.parametrize("part", PARTS)
def test_clips_are_the_same_every_time_and_differ_from_each_other(part: Part) -> None:
    first, second = clips(part), clips(part)
    assert all(np.array_equal(one.samples, other.samples) for one, other in zip(first, second, strict=True))
    assert len({clip.samples.tobytes() for clip in first}) == len(first)


@pytest.mark.parametrize("part", PARTS)
def test_more_takes_are_other_sounds_of_the_same_kinds(part: Part) -> None:
    first, found = clips(part), clips(part, takes=3)
    assert [clip.name for clip in found] == 3 * [clip.name for clip in first]
    assert [clip.samples.tobytes() for clip in found[:20]] == [clip.samples.tobytes() for clip in first]
    sounding = [clip.samples.tobytes() for clip in found if clip.name != "silence"]
    assert len(set(sounding)) == len(sounding) == 57
    assert all(np.abs(clip.samples).max() <= 1 for clip in found)


def test_the_parts_share_silence_alone() -> None:
    guard, replay = clips("guard"), clips("replay")
    shared = {clip.name for clip in guard} & {clip.name for clip in replay}
    assert shared == {"silence", "near silence"}
    sounds = {clip.samples[:48_000].tobytes() for clip in guard} & {
        clip.samples[:48_000].tobytes() for clip in replay
    }
    assert sounds == {np.zeros(48_000, np.float32).tobytes()}


def test_clips_sound_as_they_are_called() -> None:
    assert _loudest_hz(_clip("guard", "tone of 440 Hz")) == pytest.approx(440, abs=0.5)
    assert _loudest_hz(_clip("guard", "hum of 50 Hz")) == pytest.approx(50, abs=0.5)
    assert _loudest_hz(_clip("guard", "hiss")) > 4000
    assert _loudest_hz(_clip("replay", "rumble")) < 250
    assert _loudest_hz(_clip("replay", "alarm")) == pytest.approx(880, abs=0.5)
    assert not _clip("guard", "silence").samples.any()


@pytest.mark.parametrize("slope", [0.0, 1.0, 2.0])
def test_coloured_noise_falls_by_its_slope_and_has_power_one(slope: float) -> None:
    sound = coloured(30 * RATE_HZ, slope, np.random.default_rng(0))
    assert np.mean(np.square(sound)) == pytest.approx(1, rel=0.01)
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency_hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)

    def around(centre_hz: float) -> float:
        return float(power[(frequency_hz > 0.8 * centre_hz) & (frequency_hz < 1.2 * centre_hz)].mean())

    assert 10 * np.log10(around(500) / around(4000)) == pytest.approx(slope * 10 * np.log10(8), abs=0.5)
