"""The telephone prompts: transcripts as spoken, and a readable reason where there are none."""

from __future__ import annotations

import gzip
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.demo.prompts import PromptsUnavailable, fetch_prompts, spoken_words
from infra.local.processes.child import ROOT


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Please press 1 to mute,  4 or 6 to ...", "please press one to mute four or six to"),
        ("dial 500 or #9, then *", "dial five hundred or pound nine then star"),
        ("at [@]", "at"),
        ("(10 seconds of silence)", ""),
        ("party's 3D Inter-Asterisk 'x'", "party's three d inter asterisk x"),
        ("112 21 1024", "one hundred twelve twenty one one zero two four"),
    ],
)
def test_transcripts_are_written_as_spoken(written: str, spoken: str) -> None:
    assert spoken_words(written) == spoken


@given(st.text())
def test_any_text_becomes_plain_words_and_stays_so(text: str) -> None:
    spoken = spoken_words(text)
    assert set(spoken) <= set("abcdefghijklmnopqrstuvwxyz' ")
    assert spoken_words(spoken) == spoken


def _unpacked(cache: Path, lines: str, *recordings: str) -> None:
    sounds = cache / "unpacked/usr/share/asterisk/sounds/en_US_f_Allison"
    texts = cache / "unpacked/usr/share/doc/asterisk-core-sounds-en"
    texts.mkdir(parents=True)
    (texts / "core-sounds-en.txt.gz").write_bytes(gzip.compress(lines.encode()))
    for name in recordings:
        path = sounds / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as recording:
            recording.setparams((1, 2, 8000, 0, "NONE", ""))
            recording.writeframes(bytes(2 * 4000))


def test_only_recordings_with_words_are_prompts(tmp_path: Path) -> None:
    _unpacked(
        tmp_path,
        "; remark\nhello: Hello.\nbeep: [tone]\ndigits/5: five\ngone: gone\n",
        "hello",
        "beep",
        "digits/5",
    )
    prompts = fetch_prompts(tmp_path)
    assert [(prompt.name, prompt.text, prompt.duration_s) for prompt in prompts] == [
        ("digits/5", "five", 0.5),
        ("hello", "hello", 0.5),
    ]


def test_a_machine_without_debian_tools_gets_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PromptsUnavailable, match="apt-get is not installed"):
        fetch_prompts(tmp_path / "cache")


def test_a_changed_package_gets_a_reason(tmp_path: Path) -> None:
    (tmp_path / "unpacked").mkdir()
    with pytest.raises(PromptsUnavailable, match="expected files"):
        fetch_prompts(tmp_path)


def _use_tools(monkeypatch: pytest.MonkeyPatch, folder: Path, **scripts: str) -> None:
    """Put programs in the place of Debian's; `_` stands for the hyphen in their names."""
    folder.mkdir()
    for name, script in scripts.items():
        tool = folder / name.replace("_", "-")
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_cache_may_be_named_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _use_tools(
        monkeypatch,
        tmp_path / "tools",
        apt_get="touch speech.deb",  # in the folder that it runs in
        dpkg_deb='test -f "$2" && mkdir -p "$3"',
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PromptsUnavailable, match="do not hold the expected files"):
        fetch_prompts(Path("cache"))
    assert (tmp_path / "cache" / "unpacked").is_dir()


def test_two_processes_at_once_get_the_same_whole_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _unpacked(tmp_path / "package", "hello: Hello.\nbye: Bye.\n", "hello", "bye")
    _use_tools(
        monkeypatch,
        tmp_path / "tools",
        # Whoever comes first goes on when both have begun.
        apt_get=f"""
            echo download >> {tmp_path}/log
            while [ ! -e {tmp_path}/began.0 ] || [ ! -e {tmp_path}/began.1 ]; do sleep 0.01; done
            touch speech.deb""",
        # A file at a time, so that another could meet the tree half there.
        dpkg_deb=f"""
            cd {tmp_path}/package/unpacked || exit 1
            find . -type f | sort -r | while read -r file; do
                mkdir -p "$3/$(dirname "$file")" && cp "$file" "$3/$file" || exit 1
                sleep 0.1
            done""",
    )
    program = """
import pathlib, sys
from infra.local.demo.prompts import fetch_prompts
folder = pathlib.Path(sys.argv[1])
(folder / f"began.{sys.argv[2]}").touch()
print([prompt.name for prompt in fetch_prompts(folder / "cache")])
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(number)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    assert [process.communicate(timeout=120)[0] for process in processes] == ["['bye', 'hello']\n"] * 2
    assert (tmp_path / "log").read_text() == "download\n"
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"lock", "packages", "unpacked"}
