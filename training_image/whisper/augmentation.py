"""What is done to the audio that teaches, so that a network learns more than these recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.whisper.mel import Mel
from training_image.speech import microphones
from training_image.whisper.course import Course

Samples = NDArray[np.float32]

_LEAST_SNR_DB, _MOST_SNR_DB = 5.0, 25.0
_MOST_SLOPE = 3.0
"""Of the noise's power over the frequency: a little beyond brown."""
_LEAST_REVERBERATION_S, _MOST_REVERBERATION_S = 0.15, 0.6
_SOFTEST_ECHOES, _LOUDEST_ECHOES = 0.3, 0.9
"""Amplitude of all together, in that of the direct sound."""


def altered(samples: Samples, course: Course, random: np.random.Generator) -> Samples:
    """Return the audio of a window in a room, in noise, through a telephone, louder or softer, by chance."""
    room, noise, telephone, gain = random.random(4)
    if room < course.room_share:
        samples = in_room(samples, random)
    if noise < course.noise_share:
        samples = in_noise(samples, random)
    if telephone < course.telephone_share:
        samples = through_telephone(samples)
    if course.gain_db:
        samples = samples * np.float32(10 ** ((2 * gain - 1) * course.gain_db / 20))
    return np.asarray(np.clip(samples, -1, 1), np.float32)


def masked(mel: Mel, course: Course, random: np.random.Generator) -> Mel:
    """Return features with two bands of random width and place at their least value (Park et al. 2019)."""
    if not course.masked_bands or not mel.size:
        return mel
    mel = mel.copy()
    least = mel.min()
    for _ in range(2):
        height = int(random.integers(0, course.masked_bands + 1))
        low = int(random.integers(0, len(mel) - height))
        mel[low : low + height] = least
    return mel


def in_noise(samples: Samples, random: np.random.Generator) -> Samples:
    """Add noise of a random colour, 5 to 25 dB below the speech."""
    slope, snr_db = random.uniform(0.0, _MOST_SLOPE), random.uniform(_LEAST_SNR_DB, _MOST_SNR_DB)
    return microphones.in_noise(samples, slope, snr_db, random)


def through_telephone(samples: Samples) -> Samples:
    """Return speech at 8 kHz, coded as G.711 does, and back at 16 kHz in its own length."""
    heard = microphones.through_telephone(samples)[: len(samples)]
    return np.pad(heard, (0, len(samples) - len(heard)))


def in_room(samples: Samples, random: np.random.Generator) -> Samples:
    """Return speech with the echoes of a room, noise that falls by 60 dB in 0.15 to 0.6 s."""
    tail_s = random.uniform(_LEAST_REVERBERATION_S, _MOST_REVERBERATION_S)
    return microphones.in_room(samples, tail_s, 1 / random.uniform(_SOFTEST_ECHOES, _LOUDEST_ECHOES), random)
