"""What microphones do to sounds."""

from __future__ import annotations

import numpy as np
import pytest

from training_image.speech.microphones import (
    Sound,
    at_peak,
    in_noise,
    in_room,
    of_another_size,
    through_telephone,
)
from training_image.speech.non_speech import RATE_HZ


def _tone(pitch_hz: float, seconds: float = 2.0) -> Sound:
    time_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (0.3 * np.sin(2 * np.pi * pitch_hz * time_s)).astype(np.float32)


def _loudest_hz(sound: Sound) -> float:
    return float(np.fft.rfftfreq(len(sound), 1 / RATE_HZ)[np.abs(np.fft.rfft(sound)).argmax()])


def test_a_smaller_head_is_higher_and_faster() -> None:
    sound = of_another_size(_tone(400), 1.25)
    assert len(sound) == pytest.approx(2 * RATE_HZ / 1.25, abs=2)
    assert _loudest_hz(sound) == pytest.approx(500, abs=2)


def test_a_telephone_carries_nothing_above_4_khz() -> None:
    heard = through_telephone(_tone(1000) + _tone(6000))
    spectrum = np.abs(np.fft.rfft(heard)) ** 2
    above = np.fft.rfftfreq(len(heard), 1 / RATE_HZ) > 4200
    assert spectrum[above].sum() < 1e-4 * spectrum.sum()
    assert _loudest_hz(heard) == pytest.approx(1000, abs=1)


def test_a_telephone_codes_in_steps() -> None:
    heard, spoken = through_telephone(_tone(1000)), _tone(1000)
    middle = slice(RATE_HZ // 2, -RATE_HZ // 2)
    wrong = np.mean(np.square(heard[middle] - spoken[middle])) / np.mean(np.square(spoken[middle]))
    assert 1e-5 < wrong < 1e-2


def test_a_room_goes_on_sounding_and_dies_away() -> None:
    click = np.zeros(RATE_HZ, np.float32)
    click[100] = 1
    heard = np.abs(in_room(click, 0.4, 1.0, np.random.default_rng(1)))
    assert len(heard) == len(click)
    assert heard.argmax() == 100
    assert heard[:100].max() < 1e-6
    assert heard[500:1500].mean() > 10 * heard[4500:5500].mean() > 0
    assert heard[100 + int(0.4 * RATE_HZ) :].max() < 1e-6


@pytest.mark.parametrize("snr_db", [0.0, 15.0])
def test_noise_is_as_loud_as_it_is_said_to_be(snr_db: float) -> None:
    spoken = _tone(700)
    added = in_noise(spoken, 1.0, snr_db, np.random.default_rng(2)) - spoken
    found_db = 10 * np.log10(np.mean(np.square(spoken)) / np.mean(np.square(added)))
    assert found_db == pytest.approx(snr_db, abs=0.05)


def test_the_peak_is_where_it_is_wanted_and_silence_stays_silent() -> None:
    assert np.abs(at_peak(_tone(300), -6)).max() == pytest.approx(10 ** (-6 / 20), rel=1e-4)
    assert not at_peak(np.zeros(100, np.float32), -6).any()
