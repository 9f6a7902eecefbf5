"""What the demonstration promises before it starts."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from infra.local.demo.__main__ import (
    ADAPTATION_AUDIO_S,
    HELD_OUT_UTTERANCES,
    TelephoneLine,
    afresh,
    keep_recording,
    most_changed,
    next_step,
    split,
)
from infra.local.demo.demo_progress import steps
from infra.local.demo.prompts import Prompt
from infra.local.demo.synthesis import texts
from infra.local.home import Home, HomeInUse
from infra.local.processes.child import ROOT


def counted(count: int) -> list[Prompt]:
    return [
        Prompt(name=f"{number}", path=Path(f"{number}.wav"), text="word", duration_s=3.0)
        for number in range(count)
    ]


def test_nothing_that_is_measured_was_learned_from() -> None:
    speech = split(counted(500), "test")
    assert len(speech.held_out) == HELD_OUT_UTTERANCES
    assert not {one.name for one in speech.held_out} & {one.name for one in speech.adaptation}


def test_about_fourteen_minutes_are_learned_from() -> None:
    audio_s = sum(one.duration_s for one in split(counted(800), "test").adaptation)
    assert ADAPTATION_AUDIO_S <= audio_s < ADAPTATION_AUDIO_S + 3


def test_the_split_is_always_the_same() -> None:
    assert split(counted(300), "test") == split(counted(300), "test")


def test_what_changed_most_is_shown_for_better_or_worse() -> None:
    before = ["same", "one two three", "", "a b"]
    after = ["same", "one two four", "x y z", "a c"]
    shown = most_changed(counted(4), before, after, count=2)
    assert shown == [
        {"said": "word", "before": "", "after": "x y z", "audio": "2.wav"},
        {"said": "word", "before": "one two three", "after": "one two four", "audio": "1.wav"},
    ]


def test_synthesised_sentences_differ_and_repeat_the_same() -> None:
    assert len(set(texts(420))) == 420
    assert texts(50) == texts(50)


def _said(*, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100)
    with steps(console) as shown:
        upload = shown.begin("uploading")
        upload.advance()
        training = shown.begin("training", 100)
        for per_cent, stage in ((1, "reading"), (10, "learning"), (55, "learning"), (60, "learning")):
            training.reach(per_cent, f"training: {stage}")
        training.reach(100, "trained")
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_without_a_terminal_each_step_has_its_line() -> None:
    lines = [re.sub(r"^ *\d+:\d\d  ", "", line) for line in _said(terminal=False).splitlines()]
    assert lines == [
        *("uploading", "training", "training: reading", "training: learning"),
        *("training: learning: 50 %", "trained: 100 %"),
    ]


def test_on_a_terminal_there_are_bars() -> None:
    assert "━" in _said(terminal=True)


def test_the_next_step_names_what_is_there(tmp_path: Path) -> None:
    recording = tmp_path / "noisy.wav"
    recording.write_bytes(b"RIFF")
    line = TelephoneLine("line", [], [Prompt("noisy", recording, "word", 1.0)])
    figures = {"lines": [{"customization_id": "an-id", "changed": []}]}
    kept = keep_recording(tmp_path, line, figures)
    said = next_step(tmp_path, figures, kept)
    assert kept.read_bytes() == b"RIFF"
    assert f"--data-binary @{kept}" in said
    assert f"ATTUNE_HOME={tmp_path} make run" in said
    assert "acoustic_customization_id=an-id" in said


def test_what_was_left_goes_unless_it_is_in_use(tmp_path: Path) -> None:
    home = tmp_path / "demo"
    with afresh(home):
        (home / "kept").touch()
    assert (home / "kept").exists()
    with pytest.raises(RuntimeError), afresh(home):
        assert not (home / "kept").exists()
        raise RuntimeError
    assert not home.exists(), "what was broken off leaves nothing"
    with afresh(home):
        pass
    with Home(home).lock(), pytest.raises(HomeInUse), afresh(home):
        pass


@pytest.mark.usefixtures("prompts")
def test_ctrl_c_ends_it_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "prompts").symlink_to(ROOT / ".attune" / "prompts")
    with subprocess.Popen(
        [sys.executable, "-m", "infra.local.demo", "--home", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "200"},
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "uploading" in line:
                break
        os.killpg(process.pid, signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(300) == 130
    assert "Traceback" not in rest
    assert rest.splitlines()[-1].startswith("Stopped; nothing is left running")
    assert not (tmp_path / "demo").exists()
