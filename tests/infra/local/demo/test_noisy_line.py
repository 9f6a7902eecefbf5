"""The noisy line of the demonstration: so much noise, the same in every run."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from infra.local.demo.noisy_line import SNR_DB, beside_a_machine, motor
from infra.local.demo.prompts import Prompt

RATE_HZ = 8_000


def _prompt(folder: Path) -> Prompt:
    time_s = np.arange(2 * RATE_HZ) / RATE_HZ
    samples = 6000 * np.sin(2 * np.pi * 500 * time_s) * (time_s % 1 < 0.5)
    path = folder / "tone.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.astype("<i2").tobytes())
    return Prompt("digits/5", path, "five", 2.0)


def _samples(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    with wave.open(str(path)) as source:
        return np.frombuffer(source.readframes(source.getnframes()), "<i2").astype(np.float64)


def test_the_noise_is_so_far_below_the_speech(tmp_path: Path) -> None:
    prompt = _prompt(tmp_path)
    (noisy,) = beside_a_machine([prompt], tmp_path / "noisy")
    clean = _samples(prompt.path)
    noise = _samples(noisy.path) - clean
    loud = clean[clean != 0]
    snr_db = 10 * np.log10(np.mean(loud**2) / np.mean(noise**2))
    assert abs(snr_db - SNR_DB) < 1
    assert (noisy.name, noisy.text, noisy.duration_s) == (prompt.name, prompt.text, prompt.duration_s)


def test_it_is_the_same_in_every_run(tmp_path: Path) -> None:
    prompt = _prompt(tmp_path)
    one, other = (beside_a_machine([prompt], tmp_path / name)[0] for name in ("one", "other"))
    assert one.path.read_bytes() == other.path.read_bytes()


def test_a_motor_has_power_1() -> None:
    assert abs(np.mean(motor(16_000, RATE_HZ, np.random.default_rng(1)) ** 2) - 1) < 0.05
