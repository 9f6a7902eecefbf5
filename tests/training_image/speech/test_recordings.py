"""Recordings to utterances on disk; what cannot be used says why."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.audio.archives.packing import tarred, zipped
from tests.audio.signals import wav
from tests.training_image.sounds import hush, murmur, write
from training_image.plan import PlannedRecording
from training_image.speech.recordings import LeftOutAudio, prepare

RATE = 8000
CALL = PlannedRecording("call", "a1/u1", "audio", "audio/wav", None)


def test_a_recording_is_cut_at_its_silence(tmp_path: Path) -> None:
    samples = np.concatenate([hush(2, RATE), murmur(6, RATE), hush(3, RATE), murmur(5, RATE), hush(2, RATE)])
    file = write(tmp_path / "u1", wav(samples, RATE))
    prepared = prepare(CALL, file, tmp_path / "0.pcm", RATE)
    assert prepared.left_out == ()
    assert prepared.audio_s == 18
    assert prepared.speech_s == pytest.approx(11, abs=0.8)
    first, second = prepared.utterances
    assert [first.start_s, first.end_s] == pytest.approx([1.7, 8.3], abs=0.4)
    assert [second.start_s, second.end_s] == pytest.approx([10.7, 16.3], abs=0.4)
    start = round(second.start_s * RATE)
    expected = samples[start : start + second.frames]
    np.testing.assert_allclose(second.samples(), expected, rtol=0, atol=1 / 32768)


def test_another_rate_is_converted(tmp_path: Path) -> None:
    file = write(tmp_path / "u1", wav(np.concatenate([hush(5, 44_100), murmur(8, 44_100)]), 44_100))
    prepared = prepare(CALL, file, tmp_path / "0.pcm", 16_000)
    assert prepared.audio_s == pytest.approx(13, abs=0.01)
    assert prepared.utterances[0].rate_hz == 16_000
    assert prepared.utterances[0].start_s == pytest.approx(4.7, abs=0.2)


def test_headerless_audio_is_read_as_its_content_type_says(tmp_path: Path) -> None:
    file = write(tmp_path / "u1", (murmur(4, RATE) * 32767).astype(">i2").tobytes())
    raw = PlannedRecording("raw", "a1/u1", "audio", "audio/l16;rate=8000;endianness=big-endian", None)
    (utterance,) = prepare(raw, file, tmp_path / "0.pcm", RATE).utterances
    assert utterance.duration_s == 4


@pytest.mark.parametrize(
    ("pack", "content_type"), [(zipped, "application/zip"), (tarred, "application/gzip")]
)
def test_the_members_of_an_archive_share_a_scratch_file(
    tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes], content_type: str
) -> None:
    spoken = {"one.wav": murmur(4, RATE), "more/two.wav": murmur(3, RATE, seed=2)}
    members = {
        "one.wav": wav(spoken["one.wav"], RATE),
        "silence.wav": wav(hush(4, RATE), RATE),
        "notes.txt": b"call them back",
        "more/two.wav": wav(spoken["more/two.wav"], RATE),
    }
    file = write(tmp_path / "u1", pack(members))
    prepared = prepare(
        PlannedRecording("calls", "a1/u1", "archive", content_type, None), file, tmp_path / "0.pcm", RATE
    )
    assert [utterance.member for utterance in prepared.utterances] == list(spoken)
    for utterance in prepared.utterances:
        assert utterance.member is not None
        np.testing.assert_allclose(utterance.samples(), spoken[utterance.member], rtol=0, atol=1 / 32768)
    assert [(entry.audio_name, entry.member) for entry in prepared.left_out] == [("calls", "silence.wav")]
    assert prepared.audio_s == 11


def test_headerless_members_are_read_as_the_archive_says(tmp_path: Path) -> None:
    file = write(tmp_path / "u1", zipped({"one.raw": (murmur(4, RATE) * 32767).astype("<i2").tobytes()}))
    calls = PlannedRecording("calls", "a1/u1", "archive", "application/zip", "audio/l16;rate=8000")
    (utterance,) = prepare(calls, file, tmp_path / "0.pcm", RATE).utterances
    assert utterance.duration_s == 4


def test_a_damaged_member_is_left_out_alone(tmp_path: Path) -> None:
    content = bytearray(zipped({name: wav(murmur(4, RATE), RATE) for name in ("one", "two")}))
    content[len(content) * 3 // 4] ^= 0xFF
    file = write(tmp_path / "u1", bytes(content))
    calls = PlannedRecording("calls", "a1/u1", "archive", "application/zip", None)
    prepared = prepare(calls, file, tmp_path / "0.pcm", RATE)
    assert [utterance.member for utterance in prepared.utterances] == ["one"]
    (entry,) = prepared.left_out
    assert entry.member == "two"
    assert "damaged" in entry.reason


def test_an_archive_that_is_none_is_left_out(tmp_path: Path) -> None:
    file = write(tmp_path / "u1", wav(murmur(4, RATE), RATE))
    calls = PlannedRecording("calls", "a1/u1", "archive", "application/zip", None)
    (entry,) = prepare(calls, file, tmp_path / "0.pcm", RATE).left_out
    assert "neither a zip nor a tar.gz archive" in entry.reason


@pytest.mark.parametrize(
    ("content", "content_type", "reason"),
    [
        (wav(hush(20, RATE), RATE), "audio/wav", "No speech was found"),
        (b"this is no audio at all" * 20, "audio/wav", ""),
        (b"", "audio/flac", ""),
        (wav(murmur(4, RATE), RATE)[:30], "audio/wav", ""),
        (wav(murmur(4, 4000), 4000), "audio/wav", "sampled at 4000 Hz"),
        (wav(murmur(4, RATE), RATE), "audio/flac", "it is audio/wav"),
        (wav(murmur(4, RATE), RATE), "video/x-msvideo", "Unsupported mimetype"),
    ],
)
def test_what_cannot_be_used_says_why(tmp_path: Path, content: bytes, content_type: str, reason: str) -> None:
    file = write(tmp_path / "u1", content)
    recording = PlannedRecording("call", "a1/u1", "audio", content_type, None)
    prepared = prepare(recording, file, tmp_path / "0.pcm", RATE)
    assert prepared.utterances == ()
    (entry,) = prepared.left_out
    assert (entry.audio_name, entry.member, entry.start_s) == ("call", None, None)
    assert reason in entry.reason
    assert len(entry.reason) > 10
    assert str(tmp_path) not in entry.reason
    assert (tmp_path / "0.pcm").stat().st_size == 0


def test_audio_that_is_gone_is_left_out(tmp_path: Path) -> None:
    prepared = prepare(CALL, tmp_path / "gone", tmp_path / "0.pcm", RATE)
    assert prepared.left_out == (
        LeftOutAudio("call", None, None, None, "The uploaded audio is not there any more."),
    )


def test_a_full_disk_is_not_a_bad_recording(tmp_path: Path) -> None:
    file = write(tmp_path / "u1", wav(murmur(30, RATE), RATE))
    with pytest.raises(OSError, match="No space left") as raised:
        prepare(CALL, file, Path("/dev/full"), RATE)
    assert raised.value.errno == errno.ENOSPC
