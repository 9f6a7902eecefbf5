from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio import inspection
from chalicelib.audio.archives.archive_members import ArchiveLimits
from chalicelib.audio.decoding import DecodingLimits
from chalicelib.audio.inspection import Inspection
from tests.audio.archives.packing import tarred, zipped
from tests.audio.signals import (
    encoded,
    g729_frames,
    noise,
    silence,
    voice,
    wav,
    webm,
    with_data_bytes,
    without_length,
)

VOICE = voice(2, 16000)
SPOKEN = np.concatenate([silence(1, 16000), VOICE, silence(1, 16000)])

Inspect = Callable[..., Inspection]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    def inspect(
        content: bytes,
        content_type: str | None,
        contained: str | None = None,
        min_rate_hz: int = 16000,
        limits: DecodingLimits | None = None,
        archive_limits: ArchiveLimits | None = None,
    ) -> Inspection:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return inspection.inspect(
            path,
            content_type,
            contained,
            min_rate_hz=min_rate_hz,
            limits=limits,
            archive_limits=archive_limits,
        )

    return inspect


@pytest.mark.parametrize(
    ("content", "content_type", "codec"),
    [
        (wav(SPOKEN, 16000), "audio/wav", "pcm_s16le"),
        (wav(SPOKEN, 16000, "PCM_24"), None, "pcm_s24le"),
        (wav(SPOKEN, 16000, "FLOAT"), "application/json", "pcm_f32le"),
        (encoded(SPOKEN, 16000, "FLAC"), "audio/flac", "flac"),
        (encoded(SPOKEN, 16000, "OGG", "OPUS"), "audio/ogg; codecs=opus", "opus"),
        (encoded(SPOKEN, 16000, "OGG", "VORBIS"), "audio/ogg", "vorbis"),
        (encoded(SPOKEN, 16000, "MP3"), "audio/mp3", "mp3"),
        (encoded(SPOKEN, 16000, "RAW", "PCM_16"), "audio/l16;rate=16000", "pcm_s16le"),
        (encoded(SPOKEN, 16000, "RAW", "ULAW"), "audio/mulaw;rate=16000", "pcm_mulaw"),
        (encoded(SPOKEN, 16000, "RAW", "ALAW"), "audio/alaw;rate=16000", "pcm_alaw"),
        (webm(SPOKEN, 16000, "vorbis"), "audio/webm", "vorbis"),
    ],
)
def test_valid_recordings(content: bytes, content_type: str | None, codec: str, inspect: Inspect) -> None:
    found = inspect(content, content_type)
    assert (found.status, found.details_type, found.error) == ("ok", "audio", None)
    assert (found.codec, found.frequency_hz) == (codec, 16000)
    assert found.duration_s == pytest.approx(4, abs=0.05)
    assert found.speech_s == pytest.approx(2, abs=0.5)
    assert (found.compression, found.members) == (None, ())


def test_opus_in_webm_is_48_khz(inspect: Inspect) -> None:
    found = inspect(webm(np.repeat(SPOKEN, 3), 48000, "opus"), "audio/webm")
    assert (found.status, found.codec, found.frequency_hz) == ("ok", "opus", 48000)
    assert found.duration_s == pytest.approx(4, abs=0.05)


def test_the_duration_is_exact(inspect: Inspect) -> None:
    assert inspect(wav(SPOKEN[:12345], 16000), "audio/wav").duration_s == 12345 / 16000


def test_telephone_formats_are_for_narrowband_models_only(inspect: Inspect) -> None:
    for content, content_type, codec in (
        (g729_frames(200), "audio/g729", "g729"),
        (encoded(voice(2, 8000), 8000, "RAW", "ULAW"), "audio/basic", "pcm_mulaw"),
    ):
        narrow = inspect(content, content_type, min_rate_hz=8000)
        assert (narrow.status, narrow.codec, narrow.frequency_hz, narrow.duration_s) == (
            "ok",
            codec,
            8000,
            2.0,
        )
        broad = inspect(content, content_type, min_rate_hz=16000)
        assert (broad.status, broad.details_type, broad.duration_s) == ("invalid", "audio", 2.0)
        assert "8000 Hz" in (broad.error or "")
        assert "narrowband" in (broad.error or "")


def test_noise_is_valid_without_speech(inspect: Inspect) -> None:
    found = inspect(wav(noise(5, 16000), 16000), "audio/wav")
    assert (found.status, found.speech_s) == ("ok", 0)


@pytest.mark.parametrize(
    ("content", "content_type", "reason"),
    [
        (b"Call me Ishmael. " * 50, "audio/wav", "cannot be read as audio/wav"),
        (b"Call me Ishmael. " * 50, None, "Unsupported mimetype"),
        (wav(VOICE, 16000), "application/octet-stream", "Unsupported mimetype"),
        (wav(VOICE, 16000), "audio/l16", "rate parameter missing in mimetype audio/l16"),
        (encoded(VOICE, 16000, "FLAC"), "audio/wav", "said to be audio/wav, but it is audio/flac"),
        (np.random.default_rng(0).bytes(5000), "audio/l16;rate=16000", "could not detect endianness"),
        (wav(VOICE, 16000), "application/zip", "sent as application/zip, but it is audio/wav"),
        (b"nothing", "application/gzip", "no application/gzip file"),
    ],
)
def test_what_cannot_be_validated(
    content: bytes, content_type: str | None, reason: str, inspect: Inspect
) -> None:
    found = inspect(content, content_type)
    assert (found.status, found.details_type, found.duration_s) == ("invalid", "undetermined", 0)
    assert reason in (found.error or "")


@pytest.mark.parametrize(
    ("content", "content_type"), [(wav(VOICE[:0], 16000), None), (b"", "audio/l16;rate=16000")]
)
def test_empty_audio_is_invalid(content: bytes, content_type: str | None, inspect: Inspect) -> None:
    found = inspect(content, content_type)
    assert (found.status, found.details_type, found.duration_s) == ("invalid", "audio", 0)
    assert "empty" in (found.error or "")


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (wav(VOICE, 16000)[:-1000], "audio/wav"),
        (with_data_bytes(wav(VOICE, 16000), 1_000_000), "audio/wav"),
        (encoded(VOICE, 16000, "AU", "ULAW")[:-1000], "audio/basic"),
        (encoded(VOICE, 16000, "RF64", "PCM_16")[:-1000], "audio/wav"),
        (encoded(VOICE, 16000, "MP3")[:-3000], "audio/mp3"),
        (encoded(VOICE, 16000, "OGG", "OPUS")[:-300], "audio/ogg"),
        (encoded(VOICE, 16000, "OGG", "VORBIS")[:-300], "audio/ogg"),
        (webm(VOICE, 16000, "vorbis")[:6000], "audio/webm"),
        (encoded(VOICE, 16000, "FLAC")[:-1000], "audio/flac"),
        (g729_frames(200)[:-3], "audio/g729"),
    ],
    ids=["wav", "lying wav", "au", "rf64", "mp3", "opus", "vorbis", "webm", "flac", "g729"],
)
def test_truncated_audio_is_invalid(content: bytes, content_type: str, inspect: Inspect) -> None:
    found = inspect(content, content_type, min_rate_hz=8000)
    assert (found.status, found.details_type) == ("invalid", "audio")
    assert "cut off" in (found.error or "")
    assert 0 < found.duration_s <= 2.01


def test_the_missing_part_is_counted(inspect: Inspect) -> None:
    assert "1000 of the 64000 bytes" in (inspect(wav(VOICE, 16000)[:-1000], "audio/wav").error or "")


@given(share=st.floats(0, 0.999))
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize(
    "content",
    [wav(VOICE, 16000), encoded(VOICE, 16000, "FLAC"), encoded(VOICE, 16000, "MP3")],
    ids=["wav", "flac", "mp3"],
)
def test_cut_anywhere_a_recording_is_invalid(
    content: bytes, share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut"
    path.write_bytes(content[: int(share * len(content))])
    content_type = {b"RI": "audio/wav", b"fL": "audio/flac"}.get(content[:2], "audio/mpeg")
    found = inspection.inspect(path, content_type, None, min_rate_hz=16000)
    # The last frame of an MP3 may hold nothing but the end of the codec's filling.
    assert found.status == "invalid" or (content_type == "audio/mpeg" and share > 0.95)
    assert found.status == "ok" or found.error


def test_bytes_behind_the_audio_do_no_harm(inspect: Inspect) -> None:
    assert inspect(wav(VOICE, 16000) + b"LIST\x04\0\0\0abcd", "audio/wav").status == "ok"
    assert inspect(encoded(VOICE, 16000, "MP3") + b"TAG" + bytes(125), "audio/mp3").status == "ok"


def test_recordings_of_unknown_length_are_valid(inspect: Inspect) -> None:
    for announced in (0, 0xFFFFFFFF, 0x7FFFFFFF):
        found = inspect(with_data_bytes(wav(VOICE, 16000), announced), "audio/wav")
        assert (found.status, found.duration_s) == ("ok", 2.0)


def test_flac_of_unknown_length_is_valid_and_still_seen_to_be_cut(inspect: Inspect) -> None:
    piped = without_length(encoded(VOICE, 16000, "FLAC"))
    for content_type in ("audio/flac", None):
        found = inspect(piped, content_type)
        assert (found.status, found.codec, found.duration_s) == ("ok", "flac", 2.0)
    found = inspect(piped[: len(piped) * 2 // 3], "audio/flac")
    assert found.status == "invalid"
    assert "cut off after" in (found.error or "")


@pytest.mark.parametrize("content_type", ["audio/flac", None])
def test_a_tag_may_stand_before_flac(content_type: str | None, inspect: Inspect) -> None:
    tag = b"ID3\x03\0\0\0\0\x40\0" + bytes(0x40 << 7)
    found = inspect(tag + encoded(VOICE, 16000, "FLAC"), content_type)
    assert (found.status, found.codec, found.duration_s) == ("ok", "flac", 2.0)


@pytest.mark.parametrize("codec", ["OPUS", "VORBIS"])
def test_chained_ogg_is_read_to_its_end(codec: str, inspect: Inspect) -> None:
    one = encoded(VOICE, 16000, "OGG", codec)
    found = inspect(one * 3, "audio/ogg")
    assert (found.status, found.frequency_hz) == ("ok", 16000)
    assert found.duration_s == pytest.approx(6.0, abs=0.1)
    member = inspect(zipped({"a.ogg": one * 3}), "application/zip").members[0]
    assert (member.status, member.duration_s) == ("ok", found.duration_s)


def test_chained_ogg_of_several_rates_is_no_recording(inspect: Inspect) -> None:
    found = inspect(encoded(VOICE, 16000, "OGG", "OPUS") + encoded(VOICE, 48000, "OGG", "OPUS"), "audio/ogg")
    assert found.status == "invalid"
    assert "2 recordings one after another" in (found.error or "")


def test_a_wav_file_in_an_unknown_coding_says_so(inspect: Inspect) -> None:
    strange = bytearray(wav(VOICE, 16000))
    strange[20:22] = b"\x34\x12"
    found = inspect(bytes(strange), "audio/wav")
    assert (found.status, found.details_type) == ("invalid", "undetermined")
    assert "cannot be read as audio/wav" in (found.error or "")


def test_a_rate_of_1_hz_is_not_blown_up(inspect: Inspect) -> None:
    found = inspect(encoded(VOICE, 16000, "RAW", "PCM_16"), "audio/l16;rate=1")
    assert (found.status, found.frequency_hz, found.duration_s) == ("invalid", 1, 32000)


def test_limits_of_a_recording(inspect: Inspect) -> None:
    found = inspect(wav(silence(60, 16000), 16000), "audio/wav", limits=DecodingLimits(duration_s=10))
    assert found.status == "invalid"
    assert "longer than 10 seconds" in (found.error or "")


@pytest.mark.parametrize(("pack", "kind", "compression"), [(zipped, "zip", "zip"), (tarred, "gzip", "gzip")])
def test_a_valid_archive(pack: Callable[..., bytes], kind: str, compression: str, inspect: Inspect) -> None:
    content = pack(
        {
            "a.wav": wav(SPOKEN, 16000),
            "rooms/b.flac": encoded(VOICE, 16000, "FLAC"),
            "rooms/c.ogg": encoded(VOICE, 16000, "OGG", "OPUS"),
            ".DS_Store": b"litter",
        }
    )
    found = inspect(content, f"application/{kind}")
    assert (found.status, found.details_type, found.compression) == ("ok", "archive", compression)
    assert (found.codec, found.frequency_hz, found.error) == (None, None, None)
    assert [(m.name, m.codec, m.status) for m in found.members] == [
        ("a.wav", "pcm_s16le", "ok"),
        ("rooms/b.flac", "flac", "ok"),
        ("rooms/c.ogg", "opus", "ok"),
    ]
    assert found.duration_s == pytest.approx(8)
    assert found.speech_s == pytest.approx(sum(member.speech_s for member in found.members))


def test_members_stay_in_order_however_long_they_take(inspect: Inspect) -> None:
    lengths = [9, 1, 1, 7, 1, 1, 1, 5, 1, 1, 1, 1]
    content = zipped({f"{i:02}.wav": wav(silence(length, 16000), 16000) for i, length in enumerate(lengths)})
    found = inspect(content, "application/zip")
    assert [member.duration_s for member in found.members] == lengths


def test_one_bad_member_makes_the_archive_invalid(inspect: Inspect) -> None:
    content = zipped(
        {
            "good.wav": wav(VOICE, 16000),
            "README.txt": b"About the recordings",
            "unknown.bin": bytes(range(256)) * 8,
            "slow.wav": wav(voice(1, 8000), 8000),
            "nested.zip": zipped({"a.wav": wav(VOICE, 16000)}),
            "../up.wav": wav(VOICE, 16000),
            "cut.wav": wav(VOICE, 16000)[:-4000],
        }
    )
    found = inspect(content, "application/zip")
    assert (found.status, found.details_type, found.compression) == ("invalid", "archive", "zip")
    assert "'unknown.bin', 'slow.wav', 'nested.zip' and 2 more" in (found.error or "")
    errors = {member.name: member.error or "" for member in found.members}
    assert errors["good.wav"] == ""
    assert "could not be detected" in errors["unknown.bin"]
    assert found.left_out == ("README.txt",)
    assert "8000 Hz" in errors["slow.wav"]
    assert "an archive itself" in errors["nested.zip"]
    assert "leads out" in errors["../up.wav"]
    assert "cut off" in errors["cut.wav"]
    assert [m.status for m in found.members].count("ok") == 1


def test_what_is_wrong_with_all_members_is_said_of_the_archive(inspect: Inspect) -> None:
    slow = wav(voice(1, 8000), 8000)
    found = inspect(zipped({f"{number}.wav": slow for number in range(5)}), "application/zip")
    assert found.error is not None
    assert found.error.startswith("Invalid members: '0.wav', '1.wav', '2.wav' and 2 more. Each for the same")
    assert found.error.endswith(found.members[0].error or "?")
    assert "Use a narrowband model" in found.error


@pytest.mark.parametrize(
    "content",
    [zipped({}), tarred({}), zipped({"folder/": b"", ".DS_Store": b""})],
    ids=["zip", "tar.gz", "folder"],  # without, the archive's time would be part of the name
)
def test_an_empty_archive_is_invalid(content: bytes, inspect: Inspect) -> None:
    found = inspect(content, None)
    assert (found.status, found.members) == ("invalid", ())
    assert "no audio" in (found.error or "")


def test_a_damaged_archive_tells_what_was_read(inspect: Inspect) -> None:
    plain = gzip.decompress(tarred({f"{i}.wav": wav(VOICE, 16000) for i in range(5)}))
    found = inspect(gzip.compress(plain[: len(plain) // 2]), "application/gzip")
    assert (found.status, found.details_type, found.compression) == ("invalid", "archive", "gzip")
    assert "cut off" in (found.error or "")
    assert [member.status for member in found.members] == ["ok", "ok"]


def test_headerless_members_need_their_format(inspect: Inspect) -> None:
    content = zipped({"a.raw": encoded(VOICE, 16000, "RAW", "PCM_16")})
    assert inspect(content, "application/zip", "audio/l16;rate=16000").status == "ok"
    without = inspect(content, "application/zip")
    assert without.status == "invalid"
    assert "Contained-Content-Type" in (without.members[0].error or "")


def test_the_contained_type_is_that_of_all_members(inspect: Inspect) -> None:
    content = zipped({"a.wav": wav(VOICE, 16000), "b.flac": encoded(VOICE, 16000, "FLAC")})
    found = inspect(content, "application/zip", "audio/wav")
    assert [member.status for member in found.members] == ["ok", "invalid"]
    assert "said to be audio/wav, but it is audio/flac" in (found.members[1].error or "")


def test_a_bad_contained_type(inspect: Inspect) -> None:
    found = inspect(zipped({"a.raw": bytes(1000)}), "application/zip", "audio/l16")
    assert (found.status, found.error) == ("invalid", "rate parameter missing in mimetype audio/l16")


def test_the_contained_type_of_a_recording_is_ignored(inspect: Inspect) -> None:
    assert inspect(wav(VOICE, 16000), "audio/wav", "nonsense").status == "ok"


def test_a_bomb_is_refused(inspect: Inspect) -> None:
    content = zipped({"bomb.wav": wav(silence(120, 16000), 16000)})
    found = inspect(content, "application/zip", archive_limits=ArchiveLimits(ratio_from_bytes=1 << 20))
    assert (found.status, found.details_type) == ("invalid", "archive")
    assert "100 times its size" in (found.error or "")


def test_an_archive_is_given_up_in_time(inspect: Inspect) -> None:
    content = zipped({"a.wav": wav(VOICE, 16000)})
    assert inspect(content, "application/zip", archive_limits=ArchiveLimits(time_s=0)).status == "invalid"


def test_a_flood_of_silent_flac_is_bounded(inspect: Inspect) -> None:
    hour = encoded(silence(3600, 16000), 16000, "FLAC")
    found = inspect(hour, "audio/flac", limits=DecodingLimits(duration_s=600))
    assert found.status == "invalid"
    assert len(hour) < 1 << 20
    assert found.duration_s < 700


def test_an_unreadable_file_is_no_finding(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspection.inspect(tmp_path / "missing", "audio/wav", None, min_rate_hz=16000)


def test_the_number_of_channels_is_told(inspect: Inspect) -> None:
    quad = wav(np.repeat(SPOKEN[:, None], 4, axis=1), 16000)
    assert inspect(quad, "audio/wav").channels == 4
    packed = inspect(zipped({"mono.wav": wav(SPOKEN, 16000), "quad.wav": quad}), "application/zip")
    assert packed.channels is None
    assert [member.channels for member in packed.members] == [1, 4]
    assert inspect(b"no audio" * 100, "audio/wav").channels is None


def test_many_channels_are_told(inspect: Inspect) -> None:
    file = io.BytesIO(wav(np.zeros((1000, 10), np.float32), 16000))
    assert "at most 9" in (inspect(file.getvalue(), "audio/wav").error or "")
