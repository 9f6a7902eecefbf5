from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.audio import content_types
from chalicelib.audio.content_types import (
    ContentType,
    ContentTypeError,
    InvalidParameter,
    RateMissing,
    UnsupportedContentType,
)

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("audio/wav", ContentType("audio/wav")),
        ("AUDIO/WAV", ContentType("audio/wav")),
        (" audio/x-wav ; charset=utf-8;", ContentType("audio/wav")),
        ("audio/mp3", ContentType("audio/mpeg")),
        ("audio/l16; rate=44100", ContentType("audio/l16", rate_hz=44100)),
        (
            "audio/L16 ;Rate = 44100;channels=2; ENDIANNESS=Big-Endian",
            ContentType("audio/l16", rate_hz=44100, channels=2, endianness="big-endian"),
        ),
        ('audio/l16;rate="16000"', ContentType("audio/l16", rate_hz=16000)),
        ('audio/l16;x="a;b\\"c";rate=8000', ContentType("audio/l16", rate_hz=8000)),
        ("audio/mulaw;rate=8000", ContentType("audio/mulaw", rate_hz=8000)),
        ("audio/mulaw;rate=8000;channels=1", ContentType("audio/mulaw", rate_hz=8000)),
        ("audio/basic", ContentType("audio/basic")),
        ("audio/ogg;codecs=opus", ContentType("audio/ogg", codec="opus")),
        ("audio/ogg; codec=opus", ContentType("audio/ogg", codec="opus")),
        ('audio/webm; codecs="Vorbis"', ContentType("audio/webm", codec="vorbis")),
        ("audio/flac;rate=nonsense", ContentType("audio/flac")),
        ("audio/g729", ContentType("audio/g729")),
        ("application/zip", ContentType("application/zip")),
        ("application/x-gzip", ContentType("application/gzip")),
        ("video/webm; codecs=opus", ContentType("audio/webm", codec="opus")),
        ("audio/opus", ContentType("audio/ogg")),
        ("application/ogg", ContentType("audio/ogg")),
        ("audio/x-mulaw;rate=16000", ContentType("audio/mulaw", rate_hz=16000)),
        ("audio/PCMU", ContentType("audio/mulaw", rate_hz=8000)),
        ("audio/pcma;rate=16000", ContentType("audio/alaw", rate_hz=16000)),
    ],
)
def test_parse(header: str, expected: ContentType) -> None:
    assert content_types.parse(header) == expected


@pytest.mark.parametrize(
    "header", ["", "audio", "audio/", "text/plain", "audio/aac", "application/octet-stream"]
)
def test_parse_refuses_other_types(header: str) -> None:
    with pytest.raises(UnsupportedContentType, match="Unsupported mimetype"):
        content_types.parse(header)


@pytest.mark.parametrize("essence", ["audio/l16", "audio/alaw", "audio/mulaw"])
def test_parse_needs_a_rate_without_header(essence: str) -> None:
    with pytest.raises(RateMissing) as raised:
        content_types.parse(essence.upper() + ";channels=1")
    assert str(raised.value) == f"rate parameter missing in mimetype {essence}"


@pytest.mark.parametrize(
    ("header", "name", "expected"),
    [
        ("audio/l16;rate=0", "rate", "a whole number from 1 to 384000"),
        ("audio/l16;rate=-8000", "rate", "a whole number from 1 to 384000"),
        ("audio/l16;rate=16k", "rate", "a whole number from 1 to 384000"),
        ("audio/l16;rate=٤٤١٠٠", "rate", "a whole number from 1 to 384000"),
        ("audio/l16;rate", "rate", "a whole number from 1 to 384000"),
        ("audio/l16;rate=8000;channels=17", "channels", "a whole number from 1 to 16"),
        ("audio/alaw;rate=8000;channels=2", "channels", "1"),
        ("audio/l16;rate=8000;endianness=middle", "endianness", "big-endian or little-endian"),
        ("audio/ogg;codecs=speex", "codecs", "opus or vorbis"),
        ("audio/l16;rate=8000;rate=16000", "rate", "given once, but it was '8000' before"),
    ],
)
def test_parse_names_the_bad_parameter(header: str, name: str, expected: str) -> None:
    with pytest.raises(InvalidParameter) as raised:
        content_types.parse(header)
    assert (raised.value.name, raised.value.expected) == (name, expected)
    assert name in str(raised.value)
    assert expected in str(raised.value)


@given(
    rate=st.integers(1, content_types.MAX_RATE_HZ),
    channels=st.integers(1, 16),
    endianness=st.sampled_from(["big-endian", "little-endian"]),
    order=st.permutations(["rate", "channels", "endianness", "other"]),
    space=st.sampled_from(["", " ", "\t", "  "]),
    quote=st.sampled_from(["", '"']),
    upper=st.booleans(),
)
def test_any_writing_of_the_parameters_is_read(
    rate: int, channels: int, endianness: str, order: list[str], space: str, quote: str, upper: bool
) -> None:
    values = {"rate": rate, "channels": channels, "endianness": endianness, "other": "x"}
    header = "audio/l16" + "".join(
        f"{space};{space}{k}{space}={space}{quote}{values[k]}{quote}" for k in order
    )
    found = content_types.parse(header.upper() if upper else header)
    assert (found.rate_hz, found.channels, found.endianness) == (rate, channels, endianness)
    assert content_types.parse(str(found)) == found


@given(st.text(max_size=200) | st.text(max_size=60).map(lambda tail: "audio/l16;rate=8000;" + tail))
def test_any_text_is_parsed_or_refused(header: str) -> None:
    try:
        found = content_types.parse(header)
    except ContentTypeError as error:
        assert str(error)
    else:
        assert content_types.parse(str(found)) == found


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (WAV, ContentType("audio/wav")),
        (b"RIFX\x00\x00\x00\x24WAVEfmt ", ContentType("audio/wav")),
        (b"RIFF\x24\x00\x00\x00AVI LIST", None),
        (b"fLaC\x00\x00\x00\x22", ContentType("audio/flac")),
        (b"OggS" + bytes(22) + b"\x01\x13OpusHead", ContentType("audio/ogg", codec="opus")),
        (b"OggS" + bytes(22) + b"\x01\x1e\x01vorbis", ContentType("audio/ogg", codec="vorbis")),
        (b"OggS" + bytes(22) + b"\x01\x33\x7fFLAC", ContentType("audio/ogg", codec="flac")),
        (b"OggS", ContentType("audio/ogg")),
        (b"ID3\x04\x00\x00", ContentType("audio/mpeg")),
        (MP3_FRAME + MP3_FRAME, ContentType("audio/mpeg")),
        (MP3_FRAME + bytes(1000), None),
        (b"ghost" * 20 + MP3_FRAME * 3, ContentType("audio/mpeg")),
        (bytes(1500) + MP3_FRAME * 3, ContentType("audio/mpeg")),
        (b"ghost" * 20 + MP3_FRAME * 2 + b"ghost" * 200, None),
        (b"BW64\xff\xff\xff\xffWAVEds64", ContentType("audio/wav")),
        (b"\xff\xff" * 100, None),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81", ContentType("audio/webm")),
        (b".snd\x00\x00\x00\x18", ContentType("audio/basic")),
        (b"PK\x03\x04\x14\x00", ContentType("application/zip")),
        (b"PK\x05\x06" + bytes(18), ContentType("application/zip")),
        (b"\x1f\x8b\x08\x00", ContentType("application/gzip")),
        (b"Call me Ishmael.", None),
        (b"", None),
    ],
)
def test_sniff(head: bytes, expected: ContentType | None) -> None:
    assert content_types.sniff(head) == expected


@given(
    st.binary(max_size=64)
    | st.sampled_from([b"OggS", b"ID3", b"\xff\xfb"]).map(lambda head: head + bytes(40))
)
def test_sniff_takes_any_bytes(head: bytes) -> None:
    found = content_types.sniff(head)
    assert found is None or content_types.parse(str(found)) == found


@pytest.mark.parametrize(
    "header", [None, "", "application/json", "application/x-www-form-urlencoded; charset=utf-8"]
)
def test_resource_without_a_meaningful_type_is_sniffed(header: str | None) -> None:
    assert content_types.of_resource(header, WAV) == ContentType("audio/wav")
    assert content_types.of_resource(header, b"PK\x03\x04").kind == "archive"
    assert content_types.of_resource_header(header) is None
    with pytest.raises(UnsupportedContentType):
        content_types.of_resource(header, b'{"not": "audio"}')


def test_resource_type_decides_over_the_content() -> None:
    assert content_types.of_resource("audio/l16;rate=44100", WAV) == ContentType("audio/l16", rate_hz=44100)
    assert content_types.of_resource("application/gzip", WAV).kind == "archive"
    assert content_types.of_resource("audio/flac", b"PK\x03\x04").kind == "audio"


def test_octet_stream_is_for_recognition_only() -> None:
    with pytest.raises(UnsupportedContentType):
        content_types.of_resource("application/octet-stream", WAV)
    assert content_types.of_recognition("application/octet-stream", WAV) is None


@pytest.mark.parametrize(
    ("header", "head", "expected"),
    [
        (None, b"anything", None),
        ("audio/flac", None, ContentType("audio/flac")),
        ("application/json", None, None),
        ("application/json", WAV, ContentType("audio/wav")),
    ],
)
def test_recognition(header: str | None, head: bytes | None, expected: ContentType | None) -> None:
    assert content_types.of_recognition(header, head) == expected


@pytest.mark.parametrize(
    ("header", "head"),
    [
        ("application/json", b"{}"),
        ("application/zip", None),
        ("application/json", b"PK\x03\x04"),
        ("text/plain", WAV),
    ],
)
def test_recognition_refuses(header: str, head: bytes | None) -> None:
    with pytest.raises(UnsupportedContentType):
        content_types.of_recognition(header, head)


def test_members_may_be_of_any_audio_type_but_no_archives() -> None:
    assert content_types.of_members(None) is None
    assert content_types.of_members("audio/l16;rate=16000") == ContentType("audio/l16", rate_hz=16000)
    for header in ("application/zip", "application/octet-stream"):
        with pytest.raises(UnsupportedContentType):
            content_types.of_members(header)


def test_no_audio_library_is_imported() -> None:
    code = "import sys, chalicelib.audio.content_types; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert {"numpy", "soundfile", "soxr", "av"}.isdisjoint(loaded)


@pytest.mark.parametrize("spaces", [900, 60_000])
@pytest.mark.parametrize(
    "form", ['audio/l16;rate={}"', 'audio/l16;{}"', 'audio/l16{}"', 'audio/l16;rate=1{}"x']
)
@pytest.mark.timeout(60)
def test_a_header_full_of_spaces_is_refused_at_once(form: str, spaces: int) -> None:
    with pytest.raises(ContentTypeError):
        content_types.parse(form.format(" " * spaces))
