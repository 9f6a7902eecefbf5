"""How far the demonstration is: bars on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

_LINE_EVERY = 25
"""Per cent of a step between two lines."""


class DemoStep(Protocol):
    """One step that takes a while."""

    def advance(self) -> None:
        """One more of its parts is done."""

    def reach(self, done: float, description: str) -> None:
        """So many of its parts are done, and this is what is being done."""


class Steps(Protocol):
    """All that is being done."""

    def begin(self, description: str, parts: int = 1) -> DemoStep:
        """Begin a step of so many parts."""


class _TerminalBar:
    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress, self._task = progress, task

    def advance(self) -> None:
        self._progress.advance(self._task)

    def reach(self, done: float, description: str) -> None:
        self._progress.update(self._task, completed=done, description=description)


class _Bars:
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def begin(self, description: str, parts: int = 1) -> DemoStep:
        return _TerminalBar(self._progress, self._progress.add_task(description, total=parts))


class _Line:
    """Says each new thing that is done, and every quarter of it."""

    def __init__(self, lines: _Lines, description: str, parts: int) -> None:
        self._lines, self._description, self._parts = lines, description, parts
        self._done, self._said = 0.0, 0
        self._lock = threading.Lock()
        lines.say(description)

    def advance(self) -> None:
        with self._lock:
            self.reach(self._done + 1, self._description)

    def reach(self, done: float, description: str) -> None:
        per_cent = int(100 * done / self._parts) // _LINE_EVERY * _LINE_EVERY
        if self._parts > 1 and (description, per_cent) != (self._description, self._said):
            self._lines.say(f"{description}: {per_cent} %" if per_cent else description)
        self._done, self._description, self._said = done, description, per_cent


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._started_s = time.monotonic()

    def say(self, text: str) -> None:
        passed_s = int(time.monotonic() - self._started_s)
        self._console.print(
            f"{passed_s // 60:3d}:{passed_s % 60:02d}  {text}", highlight=False, soft_wrap=True
        )

    def begin(self, description: str, parts: int = 1) -> DemoStep:
        return _Line(self, description, parts)


@contextmanager
def steps(console: Console) -> Iterator[Steps]:
    """Show steps for as long as the block takes."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (TextColumn("{task.description:56}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        yield _Bars(progress)
