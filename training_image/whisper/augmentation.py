"""What is done to the audio that teaches, so that a network learns more than these recordings."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ, Mel
from training_image.whisper.course import Course

Samples = NDArray[np.float32]

_LEAST_SNR_DB, _MOST_SNR_DB = 5.0, 25.0
_MU = 255.0
_TELEPHONE_HZ = 8_000
_LEAST_REVERBERATION_S, _MOST_REVERBERATION_S = 0.15, 0.6


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
    spectrum = np.fft.rfft(random.standard_normal(len(samples)))
    frequency_hz = np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE_HZ)
    slope = random.uniform(0.0, 1.5)
    noise = np.fft.irfft(spectrum / np.maximum(frequency_hz, 50.0) ** slope, len(samples))
    snr_db = random.uniform(_LEAST_SNR_DB, _MOST_SNR_DB)
    power = max(float(np.mean(samples.astype(np.float64) ** 2)), 1e-12)
    noise *= np.sqrt(power / max(float(np.mean(noise**2)), 1e-12) / 10 ** (snr_db / 10))
    return (samples + noise).astype(np.float32)


def through_telephone(samples: Samples) -> Samples:
    """Return speech at 8 kHz, coded with 8 bits on a logarithmic scale (ITU-T G.711), and back at 16 kHz."""
    narrow = np.clip(soxr.resample(samples, SAMPLE_RATE_HZ, _TELEPHONE_HZ), -1, 1)
    compressed = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    coded = np.round(compressed * 127) / 127
    expanded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU
    wide = soxr.resample(expanded.astype(np.float32), _TELEPHONE_HZ, SAMPLE_RATE_HZ)
    return np.resize(np.pad(wide, (0, max(0, len(samples) - len(wide)))), len(samples)).astype(np.float32)


def in_room(samples: Samples, random: np.random.Generator) -> Samples:
    """Return speech with the echoes of a room, noise that falls by 60 dB in 0.15 to 0.6 s."""
    reverberation_s = random.uniform(_LEAST_REVERBERATION_S, _MOST_REVERBERATION_S)
    time_s = np.arange(int(reverberation_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    echoes = random.standard_normal(len(time_s)) * 10 ** (-3 * time_s / reverberation_s)
    echoes[: int(0.003 * SAMPLE_RATE_HZ)] = 0
    response = echoes / np.sqrt((echoes**2).sum()) * random.uniform(0.3, 0.9)
    response[0] = 1
    points = len(samples) + len(response) - 1
    spectrum = np.fft.rfft(samples.astype(np.float64), points) * np.fft.rfft(response, points)
    return np.fft.irfft(spectrum, points)[: len(samples)].astype(np.float32)
