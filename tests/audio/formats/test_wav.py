from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from chalicelib.audio.errors import Undecodable
from chalicelib.audio.formats.wav import Wav
from tests.audio.signals import as_bw64, encoded, unfilled, voice, wav, with_chunk, with_data_bytes

VOICE = voice(1, 16000)
WHOLE = wav(VOICE, 16000)


def read(content: bytes, size: int = 1000) -> NDArray[np.float32]:
    source = Wav(live=True)
    blocks = [np.empty((0, 1), np.float32)]
    try:
        for at in range(0, len(content), size):
            blocks += source.feed(content[at : at + size])
        blocks += source.finish()
    finally:
        source.close()
    return np.concatenate(blocks)[:, 0]


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize(
    "content",
    [
        WHOLE,
        with_data_bytes(WHOLE, 0xFFFFFFFF),
        with_chunk(WHOLE, b"LIST", 3001),
        WHOLE + b"LIST\x04\0\0\0abcd",
        WHOLE + b"\0\1",
        encoded(VOICE, 16000, "RF64", "PCM_16"),
        as_bw64(encoded(VOICE, 16000, "RF64", "PCM_16")),
        as_bw64(encoded(VOICE, 16000, "RF64", "PCM_16")) + b"chna\x02\0\0\0ab",
    ],
    ids=["plain", "piped", "tagged", "tag behind", "stray bytes", "rf64", "bw64", "bw64 with a chunk behind"],
)
def test_samples_are_found(content: bytes, size: int) -> None:
    assert np.abs(read(content, size) - VOICE).max() < 1e-4


def test_more_than_a_mebibyte_may_stand_before_the_samples() -> None:
    content = with_chunk(WHOLE, b"LIST", 40 << 20)
    tracemalloc.start()
    try:
        assert len(read(content, 1 << 16)) == len(VOICE)
        assert tracemalloc.get_traced_memory()[1] < 2 << 20, "it is not held"
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["GSM610", "IMA_ADPCM"])
def test_rare_codings_are_read_behind_long_chunks_too(name: str) -> None:
    content = encoded(VOICE, 16000, "WAV", name)
    at = content.index(b"fmt ")
    chunk = b"JUNK" + struct.pack("<I", 3 << 20) + bytes(3 << 20)
    assert np.array_equal(read(content[:at] + chunk + content[at:]), read(content))


@pytest.mark.parametrize("riff_bytes", [0, 36])
@pytest.mark.parametrize("samples", [130, 390, 3900])
def test_a_short_recording_whose_lengths_were_not_filled_in(samples: int, riff_bytes: int) -> None:
    for subtype in ("ULAW", "PCM_16"):
        content = wav(VOICE[:samples], 8000, subtype)
        plain = content[: content.index(b"data") + 8 + samples * (1 if subtype == "ULAW" else 2)]
        assert np.array_equal(read(unfilled(plain, riff_bytes)), read(content))


def test_an_empty_recording_with_a_tag_behind_is_empty() -> None:
    tag = b"LIST\x04\0\0\0abcd"
    empty = unfilled(WHOLE[:44], 36 + len(tag)) + tag
    assert len(read(empty)) == 0
    assert len(read(WHOLE[:40] + bytes(4))) == 0
    assert len(read(WHOLE[:40] + bytes(4) + bytes(100))) == 0


def test_several_chunks_of_samples_follow_each_other() -> None:
    data = WHOLE[44:]
    half = len(data) // 2
    chunks = [data[:half], data[half:]]
    content = WHOLE[:36] + b"".join(b"data" + struct.pack("<I", len(each)) + each for each in chunks)
    assert np.array_equal(read(content), read(WHOLE))


@pytest.mark.parametrize(("bits", "container_bits"), [(12, 16), (20, 24), (24, 32)])
def test_samples_in_the_upper_bits_of_wider_ones(bits: int, container_bits: int) -> None:
    content = bytearray(wav(VOICE, 16000, f"PCM_{container_bits}"))
    at = content.index(b"fmt ") + 22
    assert struct.unpack_from("<H", content, at) == (container_bits,)
    content[at : at + 2] = struct.pack("<H", bits)
    assert np.abs(read(bytes(content)) - VOICE).max() < 1e-4


def test_a_wrong_frame_size_does_no_harm() -> None:
    content = bytearray(WHOLE)
    content[32:34] = struct.pack("<H", 4)
    assert np.array_equal(read(bytes(content)), read(WHOLE))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"RIFF\0\0\0\0WAVEdata\x10\0\0\0" + bytes(16), "before it says what they are"),
        (WHOLE[:36], "no samples where they should be"),
        (b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0" + bytes(16), "too short"),
        (b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\x00" + bytes(16), "too long"),
        (b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 2000, "no samples where they should be"),
        (b"RIFF\0\0\0\0AVI " + bytes(100), "do not begin as a WAV file"),
        (WHOLE[:20] + b"\xff\0" + WHOLE[22:], "holds AAC"),
    ],
    ids=["no format", "no samples", "short", "long", "endless", "other", "aac"],
)
def test_what_is_no_wav_file_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        read(content)
