"""The training container's program, run on a bench's speech as SageMaker runs it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import ROOT
from bench.recordings import Recording
from chalicelib.engines import catalogue

AUDIO_NAME = "bench"
REFUSED = "refused"
"""The decision of a job that failed, with its reason."""
_WATCH_S = 0.5


@dataclass(frozen=True)
class Case:
    """What to learn from and what to be measured on."""

    adaptation: list[Recording]
    test: list[Recording]
    base_version: str

    @property
    def audio_s(self) -> float:
        """How much there is to learn from."""
        return sum(recording.duration_s for recording in self.adaptation)


@dataclass(frozen=True)
class Trained:
    """What a job left."""

    elapsed_s: float
    report: dict[str, Any]
    """Where the job failed: `decision` REFUSED, and `reason`."""
    model: Path | None
    """`model.tar.gz`; None where the base is kept."""
    most_bytes: int
    """Memory of all its processes together at their largest, what they share counted once."""


def member(number: int) -> str:
    """Return the name inside the archive of the recording at a place of a case's adaptation."""
    return f"{number:05d}.wav"


def train(
    case: Case,
    root: Path,
    language_model: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> Trained:
    """Run the container's program under the SageMaker contract.

    Args:
        case: speech, and the base version to adapt.
        root: an empty folder that takes the place of /opt/ml.
        language_model: artefact of a helper language model.
        environment: variables that the program gets beside this process's.
        python: with the packages that the engine's training needs.
    """
    _lay_out(case, root, language_model)
    started = time.monotonic()
    with (root / "program.log").open("wb") as log:
        program = subprocess.Popen(
            [python, "-m", "training_image.train", "--root", str(root)],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            with _watched(program.pid) as most:
                status = program.wait()
        finally:
            program.terminate()  # nothing happens where it has ended
    elapsed_s = time.monotonic() - started
    if status != 0:
        return Trained(elapsed_s, {"decision": REFUSED, "reason": _why(root)}, None, most[0])
    report: dict[str, Any] = json.loads((root / "model" / "report.json").read_text())
    model = None if report["decision"] == "base" else pack(root / "model", root / "model.tar.gz")
    return Trained(elapsed_s, report, model, most[0])


def pack(folder: Path, target: Path) -> Path:
    """Write a folder's files as SageMaker does."""
    subprocess.run(["tar", "-czf", str(target), "-C", str(folder), "."], check=True)
    return target


def _lay_out(case: Case, root: Path, language_model: Path | None) -> None:
    channels = root / "input" / "data"
    folder = channels / "audio" / AUDIO_NAME
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / "1", "w") as archive:
        for number, recording in enumerate(case.adaptation):
            archive.writestr(member(number), recording.wav)
    plan: dict[str, Any] = {
        "customization_id": "bench",
        "run": 1,
        "base_version": case.base_version,
        "engine": catalogue.base_version(case.base_version).engine,
        "recordings": [
            {
                "audio_name": AUDIO_NAME,
                "file": f"{AUDIO_NAME}/1",
                "kind": "archive",
                "content_type": "application/zip",
                "contained_content_type": None,
            }
        ],
    }
    if language_model is not None:
        plan["language_model"] = language_model.name
        (channels / "language").mkdir()
        shutil.copy(language_model, channels / "language")
    (channels / "plan").mkdir()
    (channels / "plan" / "plan.json").write_text(json.dumps(plan))


def _why(root: Path) -> str:
    failure = root / "output" / "failure"
    if failure.exists():
        return failure.read_text()
    return "\n".join((root / "program.log").read_text(errors="replace").splitlines()[-5:])


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Give a list whose one number becomes the most bytes that a process and its children took together."""
    most = [0]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_WATCH_S):
            most[0] = max(most[0], _tree_bytes(pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def _tree_bytes(pid: int) -> int:
    total = 0
    with contextlib.suppress(OSError):  # it has ended meanwhile
        process = Path(f"/proc/{pid}")
        lines = (process / "smaps_rollup").read_text().splitlines()
        total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
        for task in (process / "task").iterdir():
            total += sum(_tree_bytes(int(child)) for child in (task / "children").read_text().split())
    return total
