"""Speech, noises and tones that are made when a test needs them."""

from __future__ import annotations

import functools
import io
import subprocess

import numpy as np
import pytest
import soundfile
import soxr

from chalicelib.engines.protocol import Samples

RATE_HZ = 16_000
SENTENCE = "The weather will be fine tomorrow, but it may rain on Sunday."
WORDS = "the weather will be fine tomorrow but it may rain on sunday"
LONG_TEXT = (
    "In the morning the children walked along the river to the old mill, where the farmer was waiting for them"
    " with fresh bread and milk. After breakfast they helped him to carry the heavy sacks of flour into the"
    " barn, and then they played hide and seek between the trees until it was time to go home. On the way back"
    " a sudden storm surprised them, so they had to wait under the bridge for almost an hour. When they finally"
    " arrived, their mother had already lit the fire and prepared a large pot of soup for everybody."
)


@functools.cache
def speech(text: str, voice: str = "en-us", words_per_minute: int = 150) -> Samples:
    """Return what espeak-ng says, at 16 kHz, with a fifth of a second of silence around it."""
    try:
        done = subprocess.run(
            ["espeak-ng", "-v", voice, "-s", str(words_per_minute), "--stdout", text],
            check=True,
            capture_output=True,
        )
    except OSError:
        pytest.skip("espeak-ng is not installed")
    samples, rate_hz = soundfile.read(io.BytesIO(done.stdout), dtype="float32")
    made = soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)
    return np.pad(made, RATE_HZ // 5)


def long_speech() -> Samples:
    """Return what is longer than a window, without a pause."""
    samples = speech(LONG_TEXT)
    assert len(samples) > 29 * RATE_HZ
    return samples


def noises(seconds: float, seed: int) -> dict[str, Samples]:
    """Return nineteen kinds of sound without speech, by name."""
    random = np.random.default_rng(seed)
    length = round(RATE_HZ * seconds)
    time_s = np.arange(length) / RATE_HZ
    white = random.standard_normal

    def coloured(power: float) -> np.ndarray:
        spectrum = np.fft.rfft(white(length))
        return np.fft.irfft(spectrum * np.maximum(np.arange(len(spectrum)), 1.0) ** power, length)

    def tone(hz: float | np.ndarray) -> np.ndarray:
        return np.sin(2 * np.pi * hz * time_s)

    def pulsed(times_per_s: float, share: float) -> np.ndarray:
        return (time_s * times_per_s) % 1 < share

    notes_hz = 220 * 2 ** (random.integers(0, 24, int(4 * seconds) + 1) / 12)
    swell = np.interp(time_s, np.arange(int(seconds) + 2), white(int(seconds) + 2))
    knocks = sum(
        np.where(time_s > at, np.exp(-(time_s - at) * 60) * np.sin(2 * np.pi * 180 * (time_s - at)), 0)
        for at in random.uniform(0, seconds, 8)
    )
    chord = sum(tone(hz) for hz in (262, 330, 392)) * (1 + 0.3 * tone(5)) * np.exp(-((time_s * 2) % 1) * 2)
    shapes = {
        "white": white(length),
        "pink": coloured(-0.5),
        "brown": coloured(-1.0),
        "hum": sum(np.sin(2 * np.pi * 50 * k * time_s + random.uniform(0, 6)) / k for k in range(1, 12)),
        "tone": tone(random.uniform(300, 2000)),
        "beeps": tone(1000) * pulsed(2, 0.3),
        "keys": (tone(770) + tone(1336)) * pulsed(3, 0.4),
        "dial": tone(350) + tone(440),
        "clicks": (random.random(length) < 0.0005) * white(length),
        "sweep": tone(200 + 400 * time_s),
        "chords": chord,
        "melody": np.sin(2 * np.pi * np.cumsum(np.repeat(notes_hz, RATE_HZ // 4)[:length]) / RATE_HZ),
        "motor": coloured(-0.5) * (1 + 0.8 * np.sign(tone(12))),
        "gusts": coloured(-0.8) * np.abs(swell),
        "knocks": knocks,
        "crackle": (random.random(length) < 0.01) * white(length) + 0.05 * white(length),
        "breath": coloured(-0.3) * np.maximum(0, tone(0.4)),
    }
    made = {name: (0.1 * shape / np.abs(shape).max()).astype(np.float32) for name, shape in shapes.items()}
    made["silence"] = np.zeros(length, np.float32)
    made["faint"] = (1e-4 * white(length)).astype(np.float32)
    return made
