"""Speech for the benches: AN4 where it lies beside the project, clean, through a telephone, in noise and rooms."""

from __future__ import annotations

import csv
import io
import wave
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from bench.figures import ROOT

AN4 = ROOT.parent / "shared" / "speech" / "an4"
LIKE_FOR_LIKE_MINUTES = 13.8
"""As much of AN4 as the reference learned from; the cases named `all` take its whole training half."""
MU = 255
BABBLERS = 6
"""Voices in a babble: nothing that they say can be made out."""


class RecordingsUnavailable(Exception):
    """The speech of a bench is not on this machine."""


@dataclass(frozen=True)
class Recording:
    """One utterance as a WAV file in memory, with what is said in it."""

    wav: bytes
    text: str
    duration_s: float
    speaker: str = ""
    """Whose voice it is, where there are several."""


def samples_at(recording: Recording, rate_hz: int) -> NDArray[np.float32]:
    """Return a recording's samples at a recogniser's rate."""
    samples, from_hz = soundfile.read(io.BytesIO(recording.wav), dtype="float32")
    if from_hz != rate_hz:
        samples = soxr.resample(samples, from_hz, rate_hz, quality="HQ")
    return np.asarray(samples, np.float32)


def as_wav(samples: NDArray[np.int16], rate_hz: int) -> bytes:
    """Return 16-bit mono WAV."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(samples.astype("<i2").tobytes())
    return buffer.getvalue()


def through_telephone(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return 16 kHz speech at 8 kHz after µ-law coding (ITU-T G.711's curve, 256 levels)."""
    narrow = np.clip(soxr.resample(samples.astype(np.float32), 16_000, 8_000) / 32768, -1, 1)
    compressed = np.sign(narrow) * np.log1p(MU * np.abs(narrow)) / np.log1p(MU)
    coded = np.round((compressed + 1) / 2 * MU) / MU * 2 - 1
    expanded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(MU)) / MU
    return np.asarray(expanded * 32767, np.int16)


def machine_noise(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return stationary noise of a motor at 16 kHz, power 1: rumble that falls by 12 dB an octave, and harmonics."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    frequency_hz = np.fft.rfftfreq(count, 1 / 16_000)
    colour = 1 / (1 + (frequency_hz / 400) ** 2) + 0.02
    hiss = np.fft.irfft(spectrum * colour, count)
    sound = hiss / hiss.std()
    time_s = np.arange(count) / 16_000
    for tone_hz, amplitude in ((100, 0.35), (200, 0.3), (300, 0.2), (600, 0.1)):
        phase = random.uniform(0, 2 * np.pi)
        sound = sound + amplitude * np.sqrt(2) * np.sin(2 * np.pi * tone_hz * time_s + phase)
    return np.asarray(sound / sound.std(), np.float64)


def babble(count: int, voices: list[NDArray[np.int16]], random: np.random.Generator) -> NDArray[np.float64]:
    """Return BABBLERS of the voices speaking at once, power 1, each from anywhere on and over again."""
    sound = np.zeros(count)
    for voice in random.choice(len(voices), BABBLERS, replace=False):
        spoken = voices[voice].astype(np.float64)
        start = int(random.integers(len(spoken)))
        sound += np.resize(np.roll(spoken, -start), count) / spoken.std()
    return np.asarray(sound / sound.std(), np.float64)


def in_room(samples: NDArray[np.int16], random: np.random.Generator) -> NDArray[np.int16]:
    """Return speech in a room whose echoes fall by 60 dB in 0.7 s, as loud together as the direct sound."""
    time_s = np.arange(int(0.7 * 16_000)) / 16_000
    echoes = random.standard_normal(len(time_s)) * 10 ** (-3 * time_s / 0.7)
    echoes[: int(0.005 * 16_000)] = 0
    response = echoes / np.sqrt((echoes**2).sum())
    response[0] = 1
    points = len(samples) + len(response) - 1
    spectrum = np.fft.rfft(samples.astype(np.float64), points) * np.fft.rfft(response, points)
    return np.asarray(np.clip(np.fft.irfft(spectrum, points)[: len(samples)], -32768, 32767), np.int16)


def in_noise(samples: NDArray[np.int16], noise: NDArray[np.float64], snr_db: float) -> NDArray[np.int16]:
    """Add noise of power 1; the ratio is that to the louder 40 % of the 10 ms frames, which hold the speech."""
    speech = samples.astype(np.float64)
    frames = speech[: len(speech) // 160 * 160].reshape(-1, 160)
    power = (frames**2).mean(axis=1)
    active = power[power >= np.quantile(power, 0.6)].mean()
    added = noise * np.sqrt(active / 10 ** (snr_db / 10))
    return np.asarray(np.clip(speech + added, -32768, 32767), np.int16)


def an4(split: str, condition: str) -> list[Recording]:
    """Return AN4's `train` or `test` half: `clean`, `telephone`, `room`, or in motor noise or other voices
    so many dB lower, as in `noise-5` and `babble-10`, or in a room with them, as in `room+babble-5`. The
    other voices are always of the training half.

    Raises:
        RecordingsUnavailable: AN4 is not beside the project.
    """
    listing = AN4 / f"{split}.tsv"
    if not listing.exists():
        raise RecordingsUnavailable(f"AN4 is not there: put it into {AN4}")
    found = []
    voices = _voices() if "babble-" in condition else []
    with listing.open() as rows:
        for number, row in enumerate(csv.DictReader(rows, delimiter="\t")):
            samples, _ = soundfile.read(AN4 / row["path"], dtype="int16")
            if condition == "telephone":
                wav = as_wav(through_telephone(samples), 8_000)
            else:
                random = np.random.default_rng(number + (1_000_000 if split == "test" else 0))
                wav = as_wav(_heard_in(condition, samples, voices, random), 16_000)
            found.append(Recording(wav, row["transcript"], len(samples) / 16_000, row["speaker"]))
    return found


def _voices() -> list[NDArray[np.int16]]:
    with (AN4 / "train.tsv").open() as rows:
        paths = [AN4 / row["path"] for row in csv.DictReader(rows, delimiter="\t")]
    return [soundfile.read(path, dtype="int16")[0] for path in paths]


def _heard_in(
    condition: str,
    samples: NDArray[np.int16],
    voices: list[NDArray[np.int16]],
    random: np.random.Generator,
) -> NDArray[np.int16]:
    for part in condition.split("+"):
        kind, _, snr_db = part.partition("-")
        match kind:
            case "noise":
                samples = in_noise(samples, machine_noise(len(samples), random), float(snr_db))
            case "babble":
                samples = in_noise(samples, babble(len(samples), voices, random), float(snr_db))
            case "room":
                samples = in_room(samples, random)
    return samples


def about(recordings: list[Recording], minutes: float, seed: int = 7) -> list[Recording]:
    """Return a random choice of about so many minutes."""
    chosen, total_s = [], 0.0
    for place in np.random.default_rng(seed).permutation(len(recordings)):
        if total_s >= 60 * minutes:
            break
        chosen.append(recordings[place])
        total_s += recordings[place].duration_s
    return chosen
