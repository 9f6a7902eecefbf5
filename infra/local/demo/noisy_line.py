"""The same recordings from beside a machine: the noise of a motor, 5 dB below the speech."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infra.local.demo.prompts import Prompt

SNR_DB = 5.0
_FULL_SCALE = 32_767
_SPEECH_SHARE = 0.4
"""Of the 10 ms frames, the loudest, which hold the speech."""
_HARMONICS = ((120.0, 0.4), (240.0, 0.3), (360.0, 0.25), (720.0, 0.1))


def beside_a_machine(prompts: Sequence[Prompt], folder: Path) -> list[Prompt]:
    """Return the recordings with noise added, the same in every run, written below `folder`.

    Raises:
        OSError: the disk is full or not writable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for prompt in prompts:
        path = folder / f"{prompt.name.replace('/', '-')}.wav"
        with wave.open(str(prompt.path)) as source:
            rate_hz = source.getframerate()
            samples = np.frombuffer(source.readframes(source.getnframes()), "<i2").astype(np.float64)
        seed = int.from_bytes(hashlib.sha256(prompt.name.encode()).digest()[:8])
        noise = motor(len(samples), rate_hz, np.random.default_rng(seed))
        with wave.open(str(path), "wb") as target:
            target.setnchannels(1)
            target.setsampwidth(2)
            target.setframerate(rate_hz)
            target.writeframes(_added(samples, noise, rate_hz).astype("<i2").tobytes())
        found.append(replace(prompt, path=path))
    return found


def motor(count: int, rate_hz: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the noise of a motor, power 1: a rumble that falls with the frequency, a hiss, and harmonics."""
    frequency_hz = np.fft.rfftfreq(count, 1 / rate_hz)
    spectrum = np.fft.rfft(random.standard_normal(count)) * (1 / (1 + (frequency_hz / 300) ** 2) + 0.03)
    sound = np.fft.irfft(spectrum, count)
    sound = sound / sound.std()
    time_s = np.arange(count) / rate_hz
    for pitch_hz, amplitude in _HARMONICS:
        phase = random.uniform(0, 2 * np.pi)
        sound = sound + amplitude * np.sqrt(2) * np.sin(2 * np.pi * pitch_hz * time_s + phase)
    return np.asarray(sound / sound.std(), np.float64)


def _added(speech: NDArray[np.float64], noise: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    length = rate_hz // 100
    power = (speech[: len(speech) // length * length].reshape(-1, length) ** 2).mean(axis=1)
    loud = power[power >= np.quantile(power, 1 - _SPEECH_SHARE)].mean()
    mixed = speech + noise * np.sqrt(loud / 10 ** (SNR_DB / 10))
    return np.asarray(np.clip(mixed, -_FULL_SCALE - 1, _FULL_SCALE), np.float64)
