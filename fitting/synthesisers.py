"""Reads text out with the free synthesisers that recipes use: hibari-tts, flite and espeak-ng.

`python -m fitting.synthesisers SENTENCES FOLDER` reads each line of a file out by hibari-tts, into
`00000.wav` and so on. Run by hand, with the packages of requirements/fitting.txt; no training job reads out.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from training_image.speech.microphones import Sound
from training_image.speech.non_speech import RATE_HZ

_HIBARI_HZ = 24_000


def hibari(text: str, speed: float = 1.0, seed: int = 0) -> Sound:
    """Return a text read out by hibari-tts's one voice, an American woman's."""
    return np.asarray(
        soxr.resample(np.asarray(_hibari()(text, speed=speed, seed=seed), np.float32), _HIBARI_HZ, RATE_HZ),
        np.float32,
    )


def flite(text: str, voice: str, stretch: float = 1.0) -> Sound:
    """Return a text read out by one of flite's voices, its sounds longer by a factor."""
    return _spoken_by(
        ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.2f}", "-t", text, "-o"]
    )


def espeak(text: str, voice: str, words_a_minute: int = 170) -> Sound:
    """Return a text read out by one of espeak-ng's voices, of any language that it has."""
    return _spoken_by(["espeak-ng", "-v", voice, "-s", str(words_a_minute), text, "-w"])


def read_wav(path: Path) -> Sound:
    """Return a WAV file of 16 bits at 16 kHz, its channels averaged."""
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        rate_hz = file.getframerate()
    return np.asarray(soxr.resample(raw.mean(axis=1) / 32768, rate_hz, RATE_HZ), np.float32)


def main(argv: Sequence[str]) -> int:
    """Read out the lines of a file, but those that were before."""
    parser = argparse.ArgumentParser(prog="python -m fitting.synthesisers", description=__doc__)
    parser.add_argument("sentences", type=Path, help="a sentence a line")
    parser.add_argument("folder", type=Path, help="gets the WAV files")
    chosen = parser.parse_args(argv)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for number, sentence in enumerate(chosen.sentences.read_text().splitlines()):
        path = chosen.folder / f"{number:05d}.wav"
        if not path.exists():
            sound = hibari(sentence, seed=number)
            part = path.with_suffix(".part")
            write_wav(part, 0.9 * sound / max(1.0, float(np.abs(sound).max())))
            part.rename(path)
    return 0


def write_wav(path: Path, sound: Sound) -> None:
    """Write a sound as a WAV file of 16 bits."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(32767 * np.clip(sound, -1, 1)).astype("<i2").tobytes())


@functools.cache
def _hibari() -> Any:
    from hibari import Hibari

    return Hibari()


def _spoken_by(command: Sequence[str]) -> Sound:
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "spoken.wav"
        subprocess.run([*command, str(wav)], check=True, capture_output=True)
        return read_wav(wav)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
