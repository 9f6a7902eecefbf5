"""Runs the command as a user does: a process with files of its own, whose output is no terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.running_service import ROOT


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it answered in JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Command:
    """`attune`, signed in by the environment."""

    url: str
    key: str
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the process is given."""
        outside = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "ATTUNE_", "WATSON_"))
        }
        return outside | {
            "ATTUNE_URL": self.url,
            "ATTUNE_API_KEY": self.key,
            "ATTUNE_CONFIG": str(self.folder / "config"),
            "PYTHONPATH": str(ROOT),
            "NO_PROXY": "127.0.0.1",
        }

    @contextmanager
    def begun(self, *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
        """Start a command, which is ended with the block at the latest."""
        with subprocess.Popen(
            [sys.executable, "-m", "attune_cli", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def __call__(
        self, *arguments: str | Path, status: int | None = 0, more: Mapping[str, str] | None = None
    ) -> Done:
        """Run a command to its end, which has to have that status; `more` goes into its environment."""
        done = subprocess.run(
            [sys.executable, "-m", "attune_cli", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | dict(more or {}),
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert status is None or done.returncode == status, f"{done.returncode}: {done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)
