"""Synthesised telephone sentences, for a demonstration where real ones cannot be had."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import soxr

from infra.local.demo.prompts import Prompt

SYNTHESISER = "espeakng-loader==0.2.4"
"""eSpeak NG as a library with its voices; GPL-3, fetched only when needed and never part of the product."""
SENTENCES = 420
RATE_HZ = 8_000

_SUBJECTS = (
    "your account",
    "the meeting",
    "this call",
    "the next train",
    "my brother",
    "the system",
    "that number",
)
_VERBS = (
    "will be ready",
    "was not found",
    "has been changed",
    "is on the line",
    "needs a password",
    "can wait",
)
_TIMES = (
    "tomorrow morning",
    "in twenty minutes",
    "after the tone",
    "on the fourth of july",
    "at half past nine",
)
_REQUESTS = (
    "please hold while i try",
    "press seven to continue",
    "thank you for calling",
    "if this is correct",
)
_NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

# Runs in an interpreter of its own: the library keeps global state.
_SPEAK = """
import ctypes, json, sys
sys.path.insert(0, sys.argv[1])
import espeakng_loader
library = ctypes.CDLL(espeakng_loader.get_library_path())
rate_hz = library.espeak_Initialize(2, 0, espeakng_loader.get_data_path().encode(), 0x8000)
pcm = bytearray()
def collect(samples, count, events):
    if samples and count > 0:
        pcm.extend(ctypes.string_at(samples, 2 * count))
    return 0
signature = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
callback = signature(collect)
library.espeak_SetSynthCallback(callback)
library.espeak_SetVoiceByName(b"en-us")
for path, text in json.load(sys.stdin):
    pcm.clear()
    data = text.encode()
    library.espeak_Synth(data, len(data) + 1, 0, 0, 0, 1, None, None)
    library.espeak_Synchronize()
    open(path, "wb").write(pcm)
print(rate_hz)
"""


class SynthesisUnavailable(RuntimeError):
    """No synthesiser could be had."""


def texts(count: int = SENTENCES, seed: int = 1) -> list[str]:
    """Return different sentences of ordinary words and digits."""
    draw = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        digits = " ".join(draw.choices(_NUMBERS, k=draw.randint(2, 5)))
        parts = [f"{draw.choice(_SUBJECTS)} {draw.choice(_VERBS)} {draw.choice(_TIMES)}", digits]
        if draw.random() < 0.5:
            parts.insert(0, draw.choice(_REQUESTS))
        found[" ".join(parts)] = None
    return list(found)


def sentences(folder: Path) -> list[Prompt]:
    """Synthesise `SENTENCES` sentences at 8 kHz into `folder`; made once, kept.

    Raises:
        SynthesisUnavailable: the synthesiser cannot be installed or does not run; the message says why.
    """

    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "espeak-ng"
    jobs = [(folder / f"{number:04d}.wav", text) for number, text in enumerate(texts())]
    if not all(path.exists() for path, _ in jobs):
        if not library.exists():
            _install(library)
        spoken = subprocess.run(
            [sys.executable, "-c", _SPEAK, str(library)],
            input=json.dumps([(str(path.with_suffix(".raw")), text) for path, text in jobs]),
            capture_output=True,
            text=True,
            check=False,
        )
        if spoken.returncode != 0:
            raise SynthesisUnavailable(f"eSpeak NG does not run here: {spoken.stderr.strip()[-300:]}")
        for path, _ in jobs:
            _as_telephone(path.with_suffix(".raw"), path, int(spoken.stdout))
    return [Prompt(name=path.stem, path=path, text=text, duration_s=_duration_s(path)) for path, text in jobs]


def _install(library: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(library),
        SYNTHESISER,
    ]
    installed = subprocess.run(command, capture_output=True, text=True, check=False)
    if installed.returncode != 0:
        raise SynthesisUnavailable(f"eSpeak NG cannot be installed: {installed.stderr.strip()[-300:]}")


def _as_telephone(raw: Path, path: Path, rate_hz: int) -> None:
    samples = np.frombuffer(raw.read_bytes(), "<i2").astype(np.float32)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        narrow = soxr.resample(samples, rate_hz, RATE_HZ)
        out.writeframes(np.clip(np.rint(narrow), -32768, 32767).astype("<i2").tobytes())
    raw.unlink()


def _duration_s(path: Path) -> float:
    with wave.open(str(path)) as recording:
        duration_s: float = recording.getnframes() / recording.getframerate()
        return duration_s
