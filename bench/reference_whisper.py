"""What faster-whisper makes of recordings, in a virtual environment of its own: the reference of `bench whisper`.

A program, too: `python reference_whisper.py MODEL LISTING MODE THREADS` reads a JSON list of audio files and
prints the texts with the seconds of processor and clock. It imports nothing of the project.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

REQUIREMENT = "faster-whisper==1.2.1"
Mode = Literal["default", "vad", "batched"]


@dataclass(frozen=True)
class Heard:
    """What was heard, and what it took."""

    texts: tuple[str, ...]
    cpu_s: float
    wall_s: float


def environment(folder: Path) -> Path:
    """Return the Python of an environment with the reference, which is made where it is not there yet."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", REQUIREMENT], check=True)
        (folder / "complete").touch()
    return python


def heard(python: Path, model: Path, files: Sequence[Path], mode: Mode, threads: int, listing: Path) -> Heard:
    """Have the reference recognise files, one after the other."""
    listing.write_text(json.dumps([str(file) for file in files]))
    command = [str(python), str(Path(__file__)), str(model), str(listing), mode, str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    return Heard(tuple(found["texts"]), found["cpu_s"], found["wall_s"])


def main(argv: Sequence[str]) -> int:
    """Recognise and print; the first file is recognised once before the clock runs."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel  # type: ignore[import-not-found]

    folder, listing, mode, threads = argv
    files = json.loads(Path(listing).read_text())
    model = WhisperModel(folder, device="cpu", compute_type="int8", cpu_threads=int(threads), num_workers=1)
    options = {"language": "en", "beam_size": 5}
    if mode == "vad":
        options["vad_filter"] = True
    if mode == "batched":
        model, options["batch_size"] = BatchedInferencePipeline(model), 8

    def text(file: str) -> str:
        segments, _ = model.transcribe(file, **options)
        return " ".join(segment.text.strip() for segment in segments)

    if len(files) > 1:
        text(files[0])
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    texts = [text(file) for file in files]
    taken = {"cpu_s": time.process_time() - began_cpu_s, "wall_s": time.perf_counter() - began_s}
    print(json.dumps({"texts": texts} | taken))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
