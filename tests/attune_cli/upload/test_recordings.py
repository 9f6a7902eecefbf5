"""What is found below folders, and why the rest is left out."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from attune_cli.upload import recordings
from attune_cli.upload.recordings import LeftOutFile, RecordingFile, content_type_of
from tests.attune_cli.recordings import tone

WAV = tone(0.1)


def found(*paths: Path, bare_type: str | None = None) -> tuple[list[RecordingFile], dict[str, LeftOutFile]]:
    every = list(recordings.found(paths, bare_type))
    return [one for one in every if isinstance(one, RecordingFile)], {
        one.file.name: one for one in every if isinstance(one, LeftOutFile)
    }


def write(path: Path, content: bytes = WAV) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("head", "content_type"),
    [
        (WAV[:16], "audio/wav"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", None),
        (b"fLaC\x00\x00\x00\x22", "audio/flac"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"\x1aE\xdf\xa3\x9f", "audio/webm"),
        (b"ID3\x04\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf1\x50\x80", None),  # AAC
        (b".snd\x00\x00", "audio/basic"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b\x08", "application/gzip"),
        (b'{"text":', None),
        (b"", None),
    ],
)
def test_first_bytes(head: bytes, content_type: str | None) -> None:
    assert content_type_of(head) == content_type


def test_names_are_those_below_the_folder_that_was_named(tmp_path: Path) -> None:
    write(tmp_path / "calls/b.wav")
    write(tmp_path / "calls/a/c.wav")
    write(tmp_path / "other.wav")
    inside, _ = found(tmp_path / "calls", tmp_path / "other.wav")
    assert [one.name for one in inside] == ["calls/b.wav", "calls/a/c.wav", "other.wav"]


def test_odd_files_are_left_out_each_for_its_reason(tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    write(tmp_path / "empty.wav", b"")
    write(tmp_path / "notes.txt", b"notes")
    write(tmp_path / "table.xlsx", b"PK\x03\x04 a spreadsheet is a zip")
    write(tmp_path / "Thumbs.db", b"x")
    write(tmp_path / "._a.wav")
    write(tmp_path / "voice.m4a", b"\x00\x00\x00 ftypM4A")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    inside, left = found(tmp_path)
    assert [one.file.name for one in inside] == ["a.wav"]
    assert {name: one.is_audio for name, one in left.items()} == {
        "empty.wav": False,
        "notes.txt": False,
        "table.xlsx": False,
        "Thumbs.db": False,
        "._a.wav": False,
        "pipe.wav": False,
        "voice.m4a": True,
        "gone.wav": True,
    }
    assert "ffmpeg" in left["voice.m4a"].reason
    assert "cannot be read" in left["gone.wav"].reason


def test_bare_samples_are_taken_when_somebody_says_what_they_are(tmp_path: Path) -> None:
    write(tmp_path / "line.raw", b"\x01\x02" * 50)
    write(tmp_path / "notes.txt", b"notes")
    inside, left = found(tmp_path)
    assert not inside and "--type" in left["line.raw"].reason
    inside, left = found(tmp_path, bare_type="audio/l16;rate=8000")
    assert [one.content_type for one in inside] == ["audio/l16;rate=8000"]
    assert set(left) == {"notes.txt"}


def test_what_is_too_large_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recordings, "LARGEST_BYTES", 1_000)
    write(tmp_path / "long.wav")
    write(tmp_path / "all.zip", b"PK\x03\x04" + bytes(2_000))
    _, left = found(tmp_path)
    assert "split it" in left["long.wav"].reason
    assert "add the folder" in left["all.zip"].reason


def test_a_file_is_taken_once_however_often_it_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "calls/a.wav")
    (tmp_path / "calls/again.wav").symlink_to(file)
    inside, _ = found(tmp_path / "calls", file, tmp_path / "calls")
    assert [one.name for one in inside] == ["calls/a.wav"]


def test_every_name_is_one_that_a_service_takes_and_no_two_are_the_same(tmp_path: Path) -> None:
    write(tmp_path / "one/calls" / "a.wav")
    write(tmp_path / "two/calls" / "a.wav")
    write(tmp_path / "one/calls" / ("deep/" * 30 + "x" * 60 + ".wav"))
    write(tmp_path / "one/calls" / "back\\slash\n.wav")
    write(Path(os.fsdecode(os.fsencode(tmp_path / "one/calls") + b"/bad-\xff.wav")))
    inside, left = found(tmp_path / "one/calls", tmp_path / "two/calls")
    names = [one.name for one in inside]
    assert len(names) == len(set(names)) == 5 and not left
    for name in names:
        assert len(name) <= 128 and "\\" not in name and name.isprintable()
        name.encode("utf-8")


def test_ten_thousand_odd_files_take_a_moment(tmp_path: Path) -> None:
    for number in range(10_000):
        os.close(os.open(tmp_path / f"{number}.dat", os.O_CREAT | os.O_WRONLY))
    write(tmp_path / "one.wav")
    began_s = time.process_time()
    inside, left = found(tmp_path)
    assert len(inside) == 1 and len(left) == 10_000
    assert time.process_time() - began_s < 5.0
