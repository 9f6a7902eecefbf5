"""Sound as some microphone hears it: over a telephone, in a room, in noise, from a larger or smaller head.

All sounds are float32 at 16 kHz, shape (n,).
"""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from training_image.speech.non_speech import RATE_HZ, coloured

Sound = NDArray[np.float32]

_TELEPHONE_HZ = 8_000
_MU = 255


def of_another_size(sound: Sound, factor: float) -> Sound:
    """Return a voice of a vocal tract that is shorter by a factor (above 1: higher and faster)."""
    return np.asarray(soxr.resample(sound, factor * RATE_HZ, RATE_HZ), np.float32)


def through_telephone(sound: Sound) -> Sound:
    """Return what is left after 8 kHz and µ-law (ITU-T G.711's curve)."""
    narrow = np.clip(soxr.resample(sound, RATE_HZ, _TELEPHONE_HZ), -1, 1)
    coded = np.round(np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU) * 127) / 127
    narrow = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU
    return np.asarray(soxr.resample(narrow, _TELEPHONE_HZ, RATE_HZ), np.float32)


def in_room(sound: Sound, tail_s: float, direct: float, random: np.random.Generator) -> Sound:
    """Return a sound in a room.

    Args:
        sound: as it is close to the mouth.
        tail_s: time in which the echoes fall by 60 dB.
        direct: amplitude of the direct sound, in those of all echoes together.
        random: what the echoes are drawn from.
    """
    time_s = np.arange(int(tail_s * RATE_HZ)) / RATE_HZ
    echoes = random.standard_normal(len(time_s)) * 10 ** (-3 * time_s / tail_s)
    echoes[0] = np.sqrt((echoes**2).sum()) * direct
    size = len(sound) + len(echoes)
    spectrum = np.fft.rfft(sound, size) * np.fft.rfft(echoes / np.abs(echoes).max(), size)
    return np.asarray(np.fft.irfft(spectrum, size)[: len(sound)], np.float32)


def in_noise(sound: Sound, slope: float, snr_db: float, random: np.random.Generator) -> Sound:
    """Add noise.

    Args:
        sound: what is to be heard.
        slope: the noise's power falls with the frequency to the power of it: 0 white, 1 pink, 2 brown.
        snr_db: by how much the sound is louder, over its whole length.
        random: what the noise is drawn from.
    """
    power = float(np.mean(np.square(sound))) + 1e-9
    return np.asarray(
        sound + coloured(len(sound), slope, random) * np.sqrt(power / 10 ** (snr_db / 10)), np.float32
    )


def at_peak(sound: Sound, peak_db: float) -> Sound:
    """Return a sound as loud as that its loudest sample lies so many dB (negative) below full scale."""
    return np.asarray(sound / max(float(np.abs(sound).max()), 1e-6) * 10 ** (peak_db / 20), np.float32)
