"""Recordings that are made on the fly: small, of different sound, and as people's folders have them."""

from __future__ import annotations

import array
import io
import math
import random
import wave
from pathlib import Path


def tone(seconds: float = 1.0, rate_hz: int = 8_000, seed: int = 0) -> bytes:
    """Return a WAV of a tone in noise."""
    chance = random.Random(seed)
    samples = array.array(
        "h",
        (
            round(3000 * math.sin(2 * math.pi * (200 + 10 * seed) * n / rate_hz) + chance.gauss(0, 300))
            for n in range(int(seconds * rate_hz))
        ),
    )
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def folder_of_calls(path: Path, number: int, seconds: float = 0.3) -> Path:
    """Make a folder with recordings."""
    (path / "week 1").mkdir(parents=True)
    sound = tone(seconds)
    for place in range(number):
        (path / "week 1" / f"call-{place:03d}.wav").write_bytes(sound)
    return path
