"""What a command shows: tables and bars on a terminal, plain lines elsewhere, JSON where it is asked for."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from attune_cli.errors import CommandError

_PLAIN_EVERY_S = 10.0


class Bar:
    """How far something is: drawn on a terminal, else a line now and then."""

    def __init__(self, screen: Screen, what: str, total: float | None, drawn: Progress | None) -> None:
        self._screen = screen
        self._what = what
        self._total = total
        self._done = 0.0
        self._drawn = drawn
        self._task = drawn.add_task(what, total=total) if drawn is not None else None
        self._said_s = time.monotonic()

    def advance(self, by: float) -> None:
        """Count so much more, or with a negative number less."""
        self.at(self._done + by)

    def at(self, done: float, what: str | None = None, detail: str = "") -> None:
        """Say how far it is, and what is being done; a new detail alone is not worth a line."""
        changed = what is not None and what != self._what
        self._done, self._what = done, what or self._what
        if self._drawn is not None and self._task is not None:
            self._drawn.update(self._task, completed=done, description=f"{self._what}{detail}")
            return
        now_s = time.monotonic()
        if changed or now_s - self._said_s >= _PLAIN_EVERY_S:
            self._said_s = now_s
            share = f" {100 * done / self._total:.0f} %" if self._total else ""
            self._screen.note(f"{self._what}{detail}{share}")


class Screen:
    """Standard output for what was asked for, standard error for all that is said on the way."""

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._out = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        self._err = Console(file=sys.stderr, highlight=False, soft_wrap=True)

    @property
    def is_terminal(self) -> bool:
        """Whether somebody looks at bars."""
        return self._err.is_terminal and not self.as_json

    def show(self, document: Any, text: str | Table = "") -> None:
        """Show a result: the document with `--json`, else its text or table."""
        if self.as_json:
            self.write(json.dumps(document, ensure_ascii=False, indent=None))
        elif isinstance(text, Table):
            self._table(text)
        elif text:
            self.write(text)

    def write(self, text: str) -> None:
        """Write to standard output as it stands."""
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something on the way."""
        self._err.print(Text(text))

    def warn(self, text: str) -> None:
        """Say something that the user should see."""
        self._err.print(Text(text, style="yellow"))

    def interim(self, text: str) -> None:
        """Show words that may still change, on a terminal alone: the next ones take their place."""
        if self._out.is_terminal and not self.as_json:
            width = max(20, self._out.width - 1)
            sys.stdout.write(f"\r\x1b[2K{text[-width:]}")
            sys.stdout.flush()

    def settle(self, text: str) -> None:
        """Show words that stay, in place of interim ones."""
        start = "\r\x1b[2K" if self._out.is_terminal else ""
        self.write(f"{start}{text}")

    def fail(self, error: CommandError) -> None:
        """Say why the command cannot go on, and the way out."""
        if self.as_json:
            answer = {"error": str(error), "way_out": error.way_out, "exit_status": int(error.exit_status)}
            if error.code is not None:
                answer["code"] = error.code
            sys.stderr.write(json.dumps(answer, ensure_ascii=False) + "\n")
            return
        self._err.print(Text.assemble(("attune: ", "bold red"), str(error)))
        if error.way_out:
            self._err.print(Text(f"  {error.way_out}"))

    @contextmanager
    def bar(self, what: str, total: float | None, *, of_bytes: bool = False) -> Iterator[Bar]:
        """Show how far something is while the block works."""
        if not self.is_terminal:
            yield Bar(self, what, total, None)
            return
        columns = [TextColumn("{task.description}"), BarColumn(), TaskProgressColumn()]
        columns += [DownloadColumn(), TransferSpeedColumn()] if of_bytes else [TimeElapsedColumn()]
        with Progress(*columns, TimeRemainingColumn(), console=self._err, transient=True) as drawn:
            yield Bar(self, what, total, drawn)

    def _table(self, table: Table) -> None:
        if not table.row_count:
            self.note("There is nothing to list yet.")
        elif self._out.is_terminal:
            self._out.print(table)
        else:  # a line each, with tabs between: for cut and awk
            cells = [[str(cell) for cell in column.cells] for column in table.columns]
            for row in zip(*cells, strict=True):
                self.write("\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row))


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Return a table of text; nothing in it is read as markup."""
    made = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return made


def minutes(seconds: float) -> str:
    """Return a duration in words: `45 s`, `12 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Return a number of bytes in words."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def counted(number: int, what: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def described(fields: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return lines `label  value` of the fields that are there."""
    present = [
        (label, fields[name]) for name, label in names.items() if fields.get(name) not in (None, "", [])
    ]
    width = max((len(label) for label, _ in present), default=0)
    return "\n".join(f"{label:<{width}}  {value}" for label, value in present)
