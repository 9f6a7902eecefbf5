"""Sounds in which nobody speaks, made from a seed: what a model must not answer to, and what teaches silence.

The two parts share no seed and no kind of sound, but silence and noise by itself, of different colours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
SHORTEST_S, LONGEST_S = 3.0, 5.0
_SOFTEST_DB, _LOUDEST_DB = -20.0, 6.0
Part = Literal["guard", "replay"]
"""`guard` judges, `replay` teaches: neither may hear the other's."""
Sound = NDArray[np.float32]
"""Mono at 16 kHz, -1…1, shape (n,)."""
Make = Callable[[int, np.random.Generator], NDArray[np.floating]]
"""Takes a length in samples and a source of chance; what it returns may pass -1…1 here and there."""


@dataclass(frozen=True)
class NonSpeechClip:
    """A few seconds without speech."""

    name: str
    samples: Sound


def coloured(count: int, slope: float, random: np.random.Generator) -> Sound:
    """Return noise of power 1 that falls with the frequency to the power of `slope`, 50 Hz and below flat."""
    frequency_hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE_HZ), 50)
    sound = np.fft.irfft(np.fft.rfft(random.standard_normal(count)) * frequency_hz ** (-slope / 2), count)
    return np.asarray(sound / sound.std(), np.float32)


def clips(part: Part, takes: int = 1) -> list[NonSpeechClip]:
    """Return clips of a part, 3 to 5 s long; the same ones in every process.

    Args:
        part: whose they are.
        takes: so many of each kind; from the second on they are softer or louder by chance.
    """
    seed = {"guard": 10, "replay": 11}[part]
    found = []
    for take in range(takes):
        for number, (name, make) in enumerate(KINDS[part].items()):
            random = np.random.default_rng((seed, number) if take == 0 else (seed, number, take))
            count = int(random.uniform(SHORTEST_S, LONGEST_S) * RATE_HZ)
            gain = 1.0 if take == 0 else 10 ** (random.uniform(_SOFTEST_DB, _LOUDEST_DB) / 20)
            found.append(NonSpeechClip(name, np.clip(gain * make(count, random), -1, 1).astype(np.float32)))
    return found


def _time_s(count: int) -> NDArray[np.float64]:
    return np.arange(count) / RATE_HZ


def _noise(slope: float, rms: float) -> Make:
    return lambda count, random: rms * coloured(count, slope, random)


def _silence(count: int, random: np.random.Generator) -> NDArray[np.floating]:
    return np.zeros(count)


def _band(low_hz: float, high_hz: float, rms: float) -> Make:
    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        spectrum = np.fft.rfft(random.standard_normal(count))
        frequency_hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
        sound = np.fft.irfft(spectrum * ((frequency_hz >= low_hz) & (frequency_hz <= high_hz)), count)
        return np.asarray(rms * sound / sound.std())

    return make


def _hum(mains_hz: float, rms: float) -> Make:
    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        sound = 0.05 * random.standard_normal(count)
        for harmonic, amplitude in enumerate((1.0, 0.5, 0.7, 0.2, 0.3), start=1):
            phase = random.uniform(0, 2 * np.pi)
            sound += amplitude * np.sin(2 * np.pi * harmonic * mains_hz * _time_s(count) + phase)
        return np.asarray(rms * sound / sound.std())

    return make


def _chords(roots_hz: tuple[float, ...], ratios: tuple[float, ...], each_s: float) -> Make:
    """Chords that follow each other, struck and fading, with overtones as of strings."""

    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        sound = np.zeros(count)
        length = int(each_s * RATE_HZ)
        for start in range(0, count, length):
            part = min(length, count - start)
            root_hz = float(random.choice(roots_hz))
            for ratio in ratios:
                for overtone in (1, 2, 3, 4):
                    phase = 2 * np.pi * root_hz * ratio * overtone * _time_s(part) + random.uniform(0, 6)
                    fading = np.exp(-2.5 * overtone * _time_s(part))
                    sound[start : start + part] += np.sin(phase) * fading / overtone
        return np.asarray(0.5 * sound / np.abs(sound).max())

    return make


def _tone(pitch_hz: float, amplitude: float) -> Make:
    return lambda count, random: amplitude * np.sin(2 * np.pi * pitch_hz * _time_s(count))


def _tones(each_s: float, low_hz: float, high_hz: float) -> Make:
    """Tones of one length that change their pitch without a break."""

    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        length = int(each_s * RATE_HZ)
        pitches_hz = random.uniform(low_hz, high_hz, count // length + 1).repeat(length)[:count]
        return np.asarray(0.3 * np.sin(2 * np.pi * np.cumsum(pitches_hz) / RATE_HZ))

    return make


def _beeps(pitches_hz: tuple[float, ...], on_s: float, off_s: float) -> Make:
    """The same pitches at once, on and off: ringing, engaged, alarm."""

    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        sound = sum(
            (np.sin(2 * np.pi * pitch_hz * _time_s(count)) for pitch_hz in pitches_hz), np.zeros(count)
        )
        heard = (_time_s(count) + random.uniform(0, on_s)) % (on_s + off_s) < on_s
        return 0.2 * sound * heard + 0.001 * random.standard_normal(count)

    return make


def _sweep(low_hz: float, high_hz: float, period_s: float) -> Make:
    """A siren."""

    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        way = 0.5 - 0.5 * np.cos(2 * np.pi * _time_s(count) / period_s + random.uniform(0, 6))
        return np.asarray(0.3 * np.sin(2 * np.pi * np.cumsum(low_hz + (high_hz - low_hz) * way) / RATE_HZ))

    return make


def _strokes(a_second: float, decay_s: float, regular: bool, rms: float) -> Make:
    """Short strokes over a faint noise: clicks, hammering, keys, an engine's ignitions."""

    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        strokes = np.zeros(count)
        many = max(2, int(count / RATE_HZ * a_second))
        places = np.linspace(0, count - 1, many) if regular else random.uniform(0, count - 1, many)
        np.add.at(strokes, places.astype(int), random.uniform(0.5, 1, many))
        length = max(2, int(8 * decay_s * RATE_HZ))
        stroke = random.standard_normal(length) * np.exp(-_time_s(length) / decay_s)
        size = count + length
        sound = np.fft.irfft(np.fft.rfft(strokes, size) * np.fft.rfft(stroke, size), size)[:count]
        return np.asarray(rms * sound / sound.std() + 0.001 * random.standard_normal(count))

    return make


def _swelling(make_sound: Make, a_second: float) -> Make:
    """A sound that grows and falls, as wind and waves do."""

    def make(count: int, random: np.random.Generator) -> NDArray[np.floating]:
        swell = 0.55 - 0.45 * np.cos(2 * np.pi * a_second * _time_s(count) + random.uniform(0, 6))
        return make_sound(count, random) * swell

    return make


_MAJOR, _MINOR = (1.0, 5 / 4, 3 / 2), (1.0, 6 / 5, 3 / 2)
KINDS: dict[Part, dict[str, Make]] = {
    "guard": {
        "silence": _silence,
        "near silence": _noise(0.0, 0.0003),
        "white noise": _noise(0.0, 0.05),
        "loud white noise": _noise(0.0, 0.2),
        "pink noise": _noise(1.0, 0.05),
        "brown noise": _noise(2.0, 0.1),
        "hiss": _band(4000, 7800, 0.03),
        "telephone noise": _band(300, 3400, 0.05),
        "hum of 50 Hz": _hum(50, 0.1),
        "tone of 440 Hz": _tone(440, 0.3),
        "tones": _tones(0.25, 80, 3000),
        "major chords": _chords((131, 147, 165, 175, 196), _MAJOR, 0.5),
        "slow minor chords": _chords((110, 123, 131, 147), _MINOR, 1.2),
        "ringing": _beeps((440, 480), 2.0, 4.0),
        "engaged": _beeps((425,), 0.5, 0.5),
        "siren": _sweep(600, 1300, 2.5),
        "clicks": _strokes(2, 0.001, False, 0.02),
        "hammering": _strokes(1.5, 0.03, True, 0.1),
        "engine": _strokes(28, 0.008, True, 0.1),
        "wind": _swelling(_noise(2.0, 0.15), 0.3),
    },
    "replay": {
        "silence": _silence,
        "near silence": _noise(1.0, 0.0005),
        "noise between white and pink": _noise(0.5, 0.08),
        "noise between pink and brown": _noise(1.5, 0.08),
        "faint noise": _noise(0.7, 0.003),
        "rumble": _band(20, 250, 0.15),
        "noise of the middle": _band(800, 2500, 0.05),
        "hum of 60 Hz": _hum(60, 0.1),
        "faint hum of 120 Hz": _hum(120, 0.01),
        "tone of 1 kHz": _tone(1000, 0.2),
        "low tone": _tone(150, 0.3),
        "fast tones": _tones(0.12, 150, 2500),
        "slow tones": _tones(0.8, 200, 1200),
        "fifths": _chords((98, 117, 139, 156, 185), (1.0, 3 / 2, 2.0), 0.35),
        "sevenths": _chords((104, 139, 156, 208), (1.0, 5 / 4, 3 / 2, 16 / 9), 0.8),
        "dialling": _beeps((350, 440), 10.0, 0.1),
        "alarm": _beeps((880,), 0.2, 0.2),
        "keys": _strokes(6, 0.004, False, 0.03),
        "fast engine": _strokes(70, 0.004, True, 0.1),
        "waves": _swelling(_noise(1.0, 0.1), 0.2),
    },
}
"""How each kind of sound is made, by its name."""
