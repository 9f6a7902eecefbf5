"""Measures a prepared base, in a process of its own: `python -m infra.bases.measurement`.

A base that does not fit into memory ends that process, not the one that wants to know.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.bases.errors import NotStaged

if TYPE_CHECKING:
    from chalicelib.engines.protocol import Samples

CLIP = Path(__file__).parent / "clip.wav"
"""Synthesised by eSpeak NG, 8 kHz."""
CLIP_TEXT = "thank you for calling please stay on the line and someone will be with you in a moment"
_RATE_HZ = 16_000
_LIMIT_S = 900.0


@dataclass(frozen=True)
class BaseFigures:
    """What a base costs on this machine, and what it understands."""

    load_s: float
    speed: float
    """Seconds of one thread per second of the clip."""
    text: str
    memory_bytes: int
    """How much more the process took."""

    @property
    def wrong_words(self) -> int:
        """How many words of the clip were wrong, missing or too many."""
        return _distance(CLIP_TEXT.split(), self.text.split())


def measured(folder: Path, engine: str, language: str | None) -> BaseFigures:
    """Measure a folder that was made ready.

    Raises:
        NotStaged: it cannot be loaded, or takes more memory or time than there is.
    """
    command = [sys.executable, "-m", "infra.bases.measurement", str(folder), engine, language or ""]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise NotStaged(
            f"a clip of some seconds was not recognised in {_LIMIT_S:.0f} s on this machine; stage a smaller "
            "network, or add --no-measuring where another machine is to serve it"
        ) from None
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2] or f"the process ended with {done.returncode}"
        raise NotStaged(f"the network cannot be loaded and used on this machine: {last}")
    return BaseFigures(**json.loads(done.stdout.rpartition("\n")[2] or done.stdout))


def _distance(said: list[str], heard: list[str]) -> int:
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            before, row[place] = (
                row[place],
                min(row[place] + 1, row[place - 1] + 1, before + (word != other)),
            )
    return row[-1]


def _clip() -> Samples:
    import numpy as np
    import soxr

    with wave.open(str(CLIP)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        return np.ascontiguousarray(soxr.resample(samples, file.getframerate(), _RATE_HZ), np.float32)


def _memory_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def _main(folder: str, engine: str, language: str) -> None:
    from chalicelib.engines.staging import stager

    samples, stages = _clip(), stager(engine)
    before_bytes = _memory_bytes()
    found = stages.measure(Path(folder), language or None, samples)
    figures = BaseFigures(
        load_s=found.load_s,
        speed=found.recognition_s / found.audio_s,
        text=found.text,
        memory_bytes=max(0, _memory_bytes() - before_bytes),
    )
    print(json.dumps(dataclasses.asdict(figures)), end="")


if __name__ == "__main__":
    _main(*sys.argv[1:])
