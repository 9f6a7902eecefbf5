"""Runs the command as a user does, with files of its own and output that is no terminal."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from attune_cli.__main__ import main
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

    @contextlib.contextmanager
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
        """Run a command to its end, which has to have that status; `more` goes into its environment.

        It runs in this process: what starts an interpreter each time takes longer than what is tested.
        """
        argv = ["attune", *map(str, arguments)]
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment | dict(more or {}), clear=True),
            patch.object(sys, "argv", argv),
            patch.object(sys, "stdin", io.StringIO()),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            ended = int(main())
        done = Done(ended, out.getvalue(), err.getvalue())
        assert status is None or ended == status, f"{ended}: {done.out}\n{done.err}"
        return done

    def alone(self, *arguments: str | Path, status: int = 0, more: Mapping[str, str] | None = None) -> Done:
        """Run a command in a process of its own."""
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
        assert done.returncode == status, f"{done.returncode}: {done.stdout}\n{done.stderr}"
        return Done(done.returncode, done.stdout, done.stderr)
