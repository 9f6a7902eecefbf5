"""Training jobs on the network as SageMaker lays them out, made small: they take seconds, not minutes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.training_image.sounds import write
from tests.training_image.whisper import forked
from tests.training_image.whisper.forked import Forked
from training_image.arrays import read_npz

ROOT = Path(__file__).parents[3]
BASE = "en-US_NarrowbandModel.v2026-11-30"
SMALL = {"epochs": 1, "rank": 4, "beam": 1, "batch_s": 15, "save_every_s": 0, "judged_ordinary": 12}
WITHIN_S = 1500
_CHECKPOINT_HEAD_BYTES = 8 + 2 * 32

Recording = tuple[dict[str, Any], bytes]


class Job:
    """A job's folders, and its program."""

    def __init__(self, root: Path, recordings: Sequence[Recording], **changes: Any) -> None:
        """Lay it out; `changes` are of the plan."""
        self.root = root
        for folder in ("input/config", "checkpoints", "model", "output"):
            (root / folder).mkdir(parents=True)
        self.configure("hyperparameters", cores="2")
        self.configure("resourceconfig", current_host="algo-1", hosts=["algo-1"])
        entries = []
        for number, (entry, content) in enumerate(recordings):
            file = f"audio-{number}/upload-1"
            write(root / "input/data/audio" / file, content)
            entries.append({"file": file, "kind": "audio", "content_type": "audio/wav"} | entry)
        plan: dict[str, Any] = {"customization_id": "c1", "run": 1, "base_version": BASE}
        plan |= {"engine": "whisper", "recordings": entries} | changes
        write(root / "input/data/plan/plan.json", json.dumps(plan).encode())

    def configure(self, name: str, **fields: Any) -> None:
        write(self.root / f"input/config/{name}.json", json.dumps(fields).encode())

    def start(
        self, course: dict[str, Any] | None = None, *, before: Sequence[str] = (), **variables: str
    ) -> subprocess.Popen[bytes]:
        """Start the program; `before` stands before it on the command line."""
        command = [*before, sys.executable, "-m", "training_image.train", "train"]
        environment = self._environment(course, variables)
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def fork(self, course: dict[str, Any] | None = None, **variables: str) -> Forked:
        """Start the program in a process of its own that has loaded PyTorch already."""
        return Forked(["train"], self._environment(course, variables), ROOT, self.root / "log")

    def run(self, course: dict[str, Any] | None = None, **variables: str) -> int:
        with self.fork(course, **variables) as program:
            return program.wait(WITHIN_S)

    def _environment(self, course: dict[str, Any] | None, variables: dict[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            **forked.COMPUTING,
            "ATTUNE_TRAINING_ROOT": str(self.root),
            "ATTUNE_TRAINING_OVERRIDES": json.dumps(SMALL | (course or {})),
            "ATTUNE_TRAINING_KEEP_ALL": "1",
            **variables,
        }

    @property
    def log(self) -> str:
        return (self.root / "log").read_text(errors="replace")

    @property
    def failure(self) -> str:
        """Why it failed: one line that a user can read."""
        text = (self.root / "output/failure").read_text()
        assert "\n" not in text.strip()
        assert "Traceback" not in text
        assert str(self.root) not in text
        assert len(text) <= 1024
        assert list((self.root / "model").iterdir()) == []
        return text

    @property
    def report(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.root / "model/report.json").read_text())
        return document

    @property
    def change(self) -> bytes:
        """What was learned, as it serves."""
        return (self.root / "model/low-rank.safetensors").read_bytes()

    @property
    def whole_change(self) -> bytes:
        """What was learned, before the guard took a share of it."""
        return (self.root / "checkpoints/whole-delta.safetensors").read_bytes()

    def saved(self, name: str) -> Path:
        return self.root / "checkpoints" / f"{name}.ckpt"

    def steps_saved(self) -> int:
        """How many steps the checkpoint of the first round holds."""
        try:
            content = self.saved("student-1").read_bytes()
        except FileNotFoundError:
            return 0
        return int(read_npz(io.BytesIO(content[_CHECKPOINT_HEAD_BYTES:]))["step"])

    @property
    def progress(self) -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads((self.root / "checkpoints/progress.json").read_text())
        except FileNotFoundError:
            return {"progress": 0, "stage": "", "seconds_left": None}
        return document

    def wait(self, program: subprocess.Popen[bytes] | Forked, condition: Callable[[], bool]) -> None:
        """Wait until something is so while the program runs."""
        deadline_s = time.monotonic() + WITHIN_S
        while not condition():
            assert program.poll() is None, self.log
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
