"""What is shown on terminals, elsewhere, and to programs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from attune_cli.errors import Busy
from attune_cli.screen import Screen, counted, described, minutes, size, table
from tests.attune_cli.line import line, recorded
from tests.attune_cli.running import Command


def test_elsewhere_a_table_is_lines_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("a\tb\nc", None, 3), ("[bold]no markup[/bold]", "x", "")]
    Screen().show({}, table(("one", "two", "three"), rows))
    assert capsys.readouterr().out == "a b c\t\t3\n[bold]no markup[/bold]\tx\t\n"


def test_programs_get_json_and_errors_that_they_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(as_json=True)
    screen.show({"name": "Leitung für Köln"}, "not this")
    screen.fail(Busy("It is busy.", "Wait.", 409))
    shown = capsys.readouterr()
    assert shown.out == '{"name": "Leitung für Köln"}\n'
    assert json.loads(shown.err) == {
        "error": "It is busy.",
        "way_out": "Wait.",
        "exit_status": 5,
        "code": 409,
    }


def test_elsewhere_progress_is_a_line_for_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen().bar("", 100.0) as bar:
        for place in range(40):
            bar.at(place, "learning" if place < 30 else "judging", f", {place} left")
    assert capsys.readouterr().err == "learning, 0 left 0 %\njudging, 30 left 30 %\n"


def test_a_terminal_gets_columns_and_bars(tmp_path: Path) -> None:
    model = {"customization_id": "1" * 8 + "-1111-1111-1111-" + "1" * 12, "name": "Our line", "progress": 30}
    model |= {"base_model_name": "en-US_NarrowbandModel", "status": "training", "stage": "learning"}
    path = f"acoustic_customizations/{model['customization_id']}"
    ready = model | {"status": "available", "progress": 100}
    answers = {
        ("GET", "acoustic_customizations"): {"customizations": [model]},
        ("GET", path): [model, model, ready],
        ("GET", f"{path}/audio"): {"audio": [], "total_minutes_of_audio": 0},
    }
    with line(None, recorded(answers)) as one:
        controller, terminal = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "attune_cli", "status", "--watch"],
            env=Command(one.url, "key", tmp_path).environment | {"TERM": "xterm-256color", "COLUMNS": "100"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
        )
        os.close(terminal)
        shown = b""
        while block := _read(controller):
            shown += block
        os.close(controller)
        assert process.wait(120) == 0
    text = shown.decode()
    assert "'Our line' is training: learning" in text and "━" in text and "30%" in text
    assert "status    available" in text


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the last process on the other side has ended
        return b""


def test_quantities_in_words() -> None:
    assert [minutes(seconds) for seconds in (45, 600, 9_000)] == ["45 s", "10 min", "2.5 h"]
    assert [size(count) for count in (800, 2_100_000)] == ["1 kB", "2.1 MB"]
    assert [counted(number, "file") for number in (1, 2_000)] == ["1 file", "2,000 files"]
    assert (
        described({"a": 1, "b": "", "c": None, "long": "x"}, {"a": "a", "b": "b", "long": "long"})
        == "a     1\nlong  x"
    )
