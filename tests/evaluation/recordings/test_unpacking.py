"""Archives of test sets: what can be used, and what is wrong with the rest."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from chalicelib.evaluation import limits
from chalicelib.evaluation.recordings import unpacking
from chalicelib.evaluation.recordings.unpacking import UnpackedTestSet
from tests.audio.archives.packing import zipped
from tests.evaluation.archives import recording


def _read(
    folder: Path, members: dict[str, bytes], contained: str | None = None
) -> tuple[UnpackedTestSet, list[bytes]]:
    path = folder / "upload"
    path.write_bytes(zipped(members))
    kept: list[bytes] = []

    def keep(number: int, file: Path) -> None:
        assert number == len(kept)
        kept.append(file.read_bytes())

    return unpacking.read(path, contained, "owner", keep), kept


def _said(found: UnpackedTestSet) -> dict[str | None, str]:
    return {finding.file: finding.message for finding in found.findings}


def test_recordings_are_kept_as_they_were_sent(tmp_path: Path) -> None:
    members = {"calls/a.wav": recording(1), "calls/a.txt": b"hello you", "b.WAV": recording(2, 2.0)}
    found, kept = _read(tmp_path, members | {"list.csv": b"file,text\nb.wav,good bye\n"})
    assert (found.findings, found.error) == ([], None)
    assert kept == [members["calls/a.wav"], members["b.WAV"]]
    assert [(one.file, one.text, one.duration_s) for one in found.utterances] == [
        ("calls/a.wav", "hello you", 1.0),
        ("b.WAV", "good bye", 2.0),
    ]
    assert (found.least_rate_hz, found.decoded_s, found.duration_s) == (8000, 3.0, 3.0)


def test_parts_of_a_recording_are_cut_out(tmp_path: Path) -> None:
    stm = b"call 1 me 1.0 2.5 second\ncall 1 me 0.0 1.0 first\ncall 1 me 5 9 behind\n"
    found, kept = _read(tmp_path, {"call.wav": recording(1, 6.0), "list.stm": stm})
    assert [(one.text, one.start_s, one.end_s, one.duration_s) for one in found.utterances] == [
        ("first", 0.0, 1.0, 1.0),
        ("second", 1.0, 2.5, 1.5),
    ]
    whole, rate_hz = soundfile.read(io.BytesIO(recording(1, 6.0)), dtype="int16")
    part, part_hz = soundfile.read(io.BytesIO(kept[1]), dtype="int16")
    assert part_hz == rate_hz
    assert part.tolist() == whole[8000:20000].tolist()
    assert "ends behind the end of call.wav, at 6.0 s" in _said(found)["list.stm"]


def test_what_does_not_fit_is_left_out_and_said(tmp_path: Path) -> None:
    members = {
        "good.wav": recording(1),
        "good.txt": b"hello you all",
        "none.wav": recording(2),
        "lonely.txt": b"nobody",
        "twice.wav": recording(3),
        "twice.txt": b"one thing",
        "other.wav": recording(4),
        "other.txt": "доброе утро".encode(),
        "silent.wav": recording(5),
        "silent.txt": b"...",
        "notes.wav": b"this is no audio",
        "notes.txt": b"these are notes",
        "copy.wav": recording(1),
        "copy.txt": b"hello you all",
        "list.csv": b"file,text\ntwice.wav,another thing\nmissing.wav,hello\n",
        "one/x.wav": recording(6),
        "two/x.wav": recording(7),
        "more.tsv": b"file\ttext\nx.wav\twhich one\n",
        "rate.wav": recording(8, rate_hz=4000),
        "rate.txt": b"too low a rate",
        ".DS_Store": b"",
    }
    found, kept = _read(tmp_path, members)
    assert [one.file for one in found.utterances] == ["good.wav"]
    assert len(kept) == 1
    said = _said(found)
    for file, text in {
        "none.wav": "has no transcript",
        "lonely.txt": "no recording beside this text",
        "twice.wav": "two transcripts, in twice.txt and list.csv, line 2",
        "other.txt": "in Cyrillic letters, the others are in Latin",
        "silent.txt": "has no words",
        "notes.wav": "no audio of a format that is known",
        "copy.wav": "the same audio as good.wav",
        "list.csv": "no recording 'missing.wav'",
        "more.tsv": "may mean 2 recordings",
        "rate.wav": "4000 Hz",
    }.items():
        assert text in said[file], (file, said[file])


def test_a_transcript_that_is_there_twice_alike_is_no_trouble(tmp_path: Path) -> None:
    members = {"a.wav": recording(1), "a.txt": b"hello you", "list.csv": b"file,text\na.wav,hello you\n"}
    found, _ = _read(tmp_path, members)
    assert (len(found.utterances), found.findings) == (1, [])


def test_raw_audio_needs_its_type(tmp_path: Path) -> None:
    raw = {"a.raw": recording(1)[44:], "a.txt": b"hello you"}
    found, _ = _read(tmp_path, raw, "audio/l16;rate=8000;endianness=little-endian")
    assert len(found.utterances) == 1
    found, _ = _read(tmp_path, raw)
    assert "no audio of a format that is known" in _said(found)["a.raw"]
    assert found.error is not None
    assert "There is no recording with a transcript" in found.error


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 22_050])
def test_raw_audio_is_kept_as_what_browsers_play(tmp_path: Path, rate_hz: int) -> None:
    """And is heard as before: models take no higher rates."""
    samples, _ = soundfile.read(io.BytesIO(recording(1, rate_hz=rate_hz)), dtype="int16")
    members = {"a.raw": samples.astype(">i2").tobytes(), "a.txt": b"hello you"}
    found, (kept,) = _read(tmp_path, members, f"audio/l16;rate={rate_hz};endianness=big-endian")
    assert [(one.content_type, one.duration_s) for one in found.utterances] == [("audio/wav", 1.0)]
    heard, kept_hz = soundfile.read(io.BytesIO(kept), dtype="int16")
    assert kept_hz == min(rate_hz, 16_000)
    if kept_hz == rate_hz:
        np.testing.assert_array_equal(heard, samples)


def test_a_set_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = {f"{number}.wav": recording(number, 2.0) for number in range(4)}
    members |= {f"{number}.txt": b"hello" for number in range(4)}
    for name, value, said in (
        ("UTTERANCES", 3, "more than 3 utterances"),
        ("AUDIO_S", 5.0, "more audio than"),
        ("TRANSCRIPTS_BYTES", 8, "more than 32 MB"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(limits, name, value)
            error = _read(tmp_path, members)[0].error
        assert error is not None
        assert said in error
    monkeypatch.setattr(limits, "UTTERANCE_S", 1.5)
    found, _ = _read(tmp_path, members)
    assert "This has 2 s; an utterance may have 1.5 s" in _said(found)["0.wav"]


@pytest.mark.parametrize("damage", [b"PK\x03\x04 and no more", b"no archive", b"\x1f\x8b\x08 cut"])
def test_a_damaged_archive_is_told(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "upload"
    path.write_bytes(damage)
    found = unpacking.read(path, None, "owner", lambda number, file: None)
    assert found.error is not None
    assert found.utterances == []


def test_ten_thousand_odd_files_are_no_trouble(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(9_998):
            archive.writestr(f"odd/{number}.bin", b"x")
        archive.writestr("a.wav", recording(1))
        archive.writestr("a.txt", b"hello")
    found = unpacking.read(path, None, "owner", lambda number, file: None)
    assert (len(found.utterances), len(found.findings)) == (1, 9_998)
