from __future__ import annotations

import contextlib
import io
import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chalicelib.audio import content_types, decoding
from chalicelib.audio.errors import (
    AudioError,
    EndiannessUnclear,
    RateTooLow,
    TooManyChannels,
    Undecodable,
)
from chalicelib.audio.streaming import StreamingDecoder
from tests.audio.signals import encoded, g729_frames, silence, voice, wav, webm

VOICE = voice(1.5, 16000)


def streamed(
    content: bytes, header: str | None, rate_hz: int = 16000, pieces: tuple[int, ...] = (1000,)
) -> NDArray[np.float32]:
    """Decode in pieces of these sizes, the last of which repeats."""
    decoder = StreamingDecoder(content_types.parse(header) if header else None, rate_hz)
    parts: list[NDArray[np.float32]] = []
    try:
        at, sizes = 0, iter(pieces)
        size = pieces[-1]
        while at < len(content):
            size = next(sizes, size)
            parts += decoder.feed(content[at : at + size])
            at += size
        parts += decoder.finish()
    finally:
        decoder.close()
    return np.concatenate(parts) if parts else np.empty(0, np.float32)


def whole(content: bytes, header: str | None, rate_hz: int = 16000) -> NDArray[np.float32]:
    return decoding.read_mono(io.BytesIO(content), content_types.parse(header) if header else None, rate_hz)


@pytest.mark.parametrize(
    ("container", "subtype", "header"),
    [
        ("WAV", "PCM_U8", "audio/wav"),
        ("WAV", "PCM_16", None),
        ("WAV", "PCM_24", "audio/wav"),
        ("WAV", "PCM_32", "audio/wav"),
        ("WAV", "FLOAT", "audio/wav"),
        ("WAV", "DOUBLE", "audio/wav"),
        ("WAV", "ULAW", "audio/wav"),
        ("WAV", "ALAW", "audio/wav"),
        ("WAV", "IMA_ADPCM", "audio/wav"),
        ("WAVEX", "PCM_24", "audio/wav"),
        ("RF64", "PCM_16", "audio/wav"),
        ("FLAC", "PCM_16", "audio/flac"),
        ("FLAC", "PCM_24", None),
        ("AU", "PCM_16", "audio/basic"),
        ("RAW", "PCM_16", "audio/l16;rate=16000"),
        ("RAW", "PCM_16", "audio/l16;rate=16000;endianness=little-endian"),
        ("RAW", "ALAW", "audio/alaw;rate=16000"),
        ("RAW", "ULAW", "audio/mulaw;rate=16000"),
    ],
)
def test_a_stream_gives_the_samples_of_the_file(container: str, subtype: str, header: str | None) -> None:
    content = encoded(VOICE, 16000, container, subtype)
    assert np.array_equal(streamed(content, header, pieces=(1, 2, 700)), whole(content, header))


@pytest.mark.parametrize(
    ("container", "subtype", "header"),
    [
        ("MP3", "MPEG_LAYER_III", "audio/mp3"),
        ("OGG", "OPUS", "audio/ogg;codecs=opus"),
        ("OGG", "VORBIS", None),
    ],
)
def test_lossy_formats_differ_at_their_ends_only(container: str, subtype: str, header: str | None) -> None:
    content = encoded(VOICE, 16000, container, subtype)
    one, other = streamed(content, header), whole(content, header)
    assert abs(len(one) - len(other)) <= 1700
    lags = [
        float(np.corrcoef(one[4000 + lag : 12000 + lag], other[4000:12000])[0, 1])
        for lag in range(-1700, 1701)
    ]
    assert max(lags) > 0.99


def test_webm_streams() -> None:
    content = webm(VOICE, 16000, "opus")
    one, other = streamed(content, "audio/webm", pieces=(100,)), whole(content, "audio/webm")
    assert np.array_equal(one, other)


def test_g729_streams() -> None:
    content = g729_frames(200)
    assert np.array_equal(streamed(content, "audio/g729", 8000, (33,)), whole(content, "audio/g729", 8000))


def test_rates_and_channels_are_brought_down() -> None:
    stereo = np.stack([voice(1.0, 44100), silence(1.0, 44100)], axis=1)
    content = encoded(stereo, 44100, "WAV", "PCM_16")
    one, other = streamed(content, "audio/wav", pieces=(999,)), whole(content, "audio/wav")
    assert len(one) == len(other)
    assert np.abs(one - other).max() < 1e-6


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20))
@settings(max_examples=25, deadline=None)
def test_the_sizes_of_the_pieces_do_not_matter(pieces: list[int]) -> None:
    content = encoded(VOICE, 16000, "WAV", "PCM_24")
    assert np.array_equal(streamed(content, None, pieces=tuple(pieces)), whole(content, None))


def test_a_wav_file_said_to_be_raw_is_read_as_samples_header_included() -> None:
    content = wav(VOICE, 16000)
    assert np.array_equal(streamed(content, "audio/l16;rate=16000"), whole(content, "audio/l16;rate=16000"))


def test_silence_passes_before_its_byte_order_is_known() -> None:
    decoder = StreamingDecoder(content_types.parse("audio/l16;rate=16000"), 16000)
    assert sum(len(samples) for samples in decoder.feed(bytes(64_000))) == 32_000
    big = (VOICE * 32767).astype(">i2").tobytes()
    got = np.concatenate([*decoder.feed(big), *decoder.finish()])
    assert np.abs(got - VOICE).max() < 1e-3


@pytest.mark.parametrize(
    ("content", "header", "error"),
    [
        (b"this is no audio" * 500, "audio/flac", Undecodable),
        (b"this is no audio" * 500, "audio/mp3", Undecodable),
        (b"this is no audio" * 500, None, Undecodable),
        (encoded(VOICE, 16000, "FLAC", "PCM_16"), "audio/wav", Undecodable),
        (encoded(voice(1.0, 8000), 8000, "WAV", "PCM_16"), "audio/wav", RateTooLow),
        (encoded(np.zeros((800, 10)), 16000, "WAV", "PCM_16"), "audio/wav", TooManyChannels),
        (np.random.default_rng(1).bytes(200_000), "audio/l16;rate=16000", EndiannessUnclear),
    ],
)
def test_bad_audio_is_told_apart(content: bytes, header: str | None, error: type[AudioError]) -> None:
    with pytest.raises(error):
        streamed(content, header)


def _with_picture(mp3: bytes) -> bytes:
    """Put an ID3 tag of 20,000 bytes before MP3, as a cover takes."""
    body = b"APIC" + (20_000 - 10).to_bytes(4, "big") + bytes(2) + bytes(20_000 - 10)
    length = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + length + body + mp3


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (webm(voice(1.5, 48000), 48000, "opus"), "audio/webm"),
        (encoded(VOICE, 16000, "OGG", "OPUS"), "audio/ogg"),
        (encoded(VOICE, 16000, "FLAC", "PCM_16"), "audio/flac"),
        (encoded(VOICE, 16000, "MP3", "MPEG_LAYER_III"), "audio/mp3"),
        (_with_picture(encoded(VOICE, 16000, "MP3", "MPEG_LAYER_III")), "audio/mp3"),
        (encoded(VOICE, 16000, "WAV", "PCM_16"), "audio/wav"),
    ],
    ids=["webm", "ogg", "flac", "mp3", "mp3 with a picture", "wav"],
)
def test_a_stream_can_be_left_wherever_it_was_cut(content: bytes, header: str) -> None:
    before = threading.active_count()
    for end in {*range(1, 60, 7), *range(60, len(content), len(content) // 30), len(content)}:
        decoder = StreamingDecoder(content_types.parse(header), 16000)
        with contextlib.suppress(Undecodable):
            list(decoder.feed(content[:end]))
        closing = threading.Thread(target=decoder.close, daemon=True)
        closing.start()
        closing.join(120)
        assert not closing.is_alive(), f"cut after {end} bytes, it cannot be left"
    assert threading.active_count() == before


def test_memory_is_bounded_however_well_the_audio_was_packed() -> None:
    content = encoded(silence(600.0, 16000), 16000, "FLAC", "PCM_16")
    tracemalloc.start()
    decoder = StreamingDecoder(content_types.parse("audio/flac"), 16000)
    frames = sum(len(samples) for samples in decoder.feed(content)) + sum(
        len(samples) for samples in decoder.finish()
    )
    decoder.close()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert frames == 600 * 16000
    assert peak < 8e6, "600 s are 38 MB"
