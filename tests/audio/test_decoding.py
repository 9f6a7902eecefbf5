from __future__ import annotations

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from chalicelib.audio import content_types, decoding
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.decoding import DecodingLimits
from chalicelib.audio.errors import (
    AudioError,
    EndiannessUnclear,
    RateTooLow,
    TooLong,
    TooManyChannels,
    TooSlow,
    Undecodable,
)
from tests.audio.signals import encoded, g729_frames, noise, silence, tone, voice, wav, webm, with_data_bytes

VOICE = voice(1.5, 16000)


def read(content: bytes, header: str | None, rate_hz: int = 16000) -> NDArray[np.float32]:
    return decoding.read_mono(io.BytesIO(content), content_types.parse(header) if header else None, rate_hz)


def codec(content: bytes, header: str | None) -> str:
    said = content_types.parse(header) if header else None
    with decoding.opened(io.BytesIO(content), said) as decoder:
        return decoder.format.codec


@pytest.mark.parametrize(
    ("container", "subtype", "header", "expected_codec", "error"),
    [
        ("WAV", "PCM_U8", "audio/wav", "pcm_u8", 0.02),
        ("WAV", "PCM_16", "audio/wav", "pcm_s16le", 1e-4),
        ("WAV", "PCM_24", "audio/wav", "pcm_s24le", 1e-6),
        ("WAV", "PCM_32", "audio/wav", "pcm_s32le", 1e-6),
        ("WAV", "FLOAT", "audio/wav", "pcm_f32le", 0),
        ("WAV", "DOUBLE", "audio/wav", "pcm_f64le", 0),
        ("WAV", "ULAW", "audio/wav", "pcm_mulaw", 0.02),
        ("WAV", "ALAW", "audio/wav", "pcm_alaw", 0.02),
        ("WAV", "IMA_ADPCM", "audio/wav", "adpcm_ima_wav", 0.1),
        ("WAV", "MS_ADPCM", "audio/wav", "adpcm_ms", 0.2),
        ("WAV", "GSM610", "audio/wav", "gsm_ms", 0.5),
        ("WAVEX", "PCM_24", "audio/wav", "pcm_s24le", 1e-6),
        ("RF64", "PCM_16", "audio/wav", "pcm_s16le", 1e-4),
        ("FLAC", "PCM_16", "audio/flac", "flac", 1e-4),
        ("FLAC", "PCM_24", None, "flac", 1e-6),
        ("MP3", "MPEG_LAYER_III", "audio/mp3", "mp3", 0.2),
        ("MP3", "MPEG_LAYER_III", "audio/mpeg", "mp3", 0.2),
        ("OGG", "OPUS", "audio/ogg;codecs=opus", "opus", 0.5),
        ("OGG", "VORBIS", "audio/ogg", "vorbis", 0.5),
        ("OGG", "VORBIS", None, "vorbis", 0.5),
        ("AU", "PCM_16", "audio/basic", "pcm_s16be", 1e-4),
        ("RAW", "PCM_16", "audio/l16;rate=16000", "pcm_s16le", 1e-4),
        ("RAW", "ALAW", "audio/alaw;rate=16000", "pcm_alaw", 0.02),
        ("RAW", "ULAW", "audio/mulaw;rate=16000", "pcm_mulaw", 0.02),
    ],
)
def test_every_format_gives_the_samples_back(
    container: str, subtype: str, header: str | None, expected_codec: str, error: float
) -> None:
    content = encoded(VOICE, 16000, container, subtype)
    samples = read(content, header)
    assert codec(content, header) == expected_codec
    assert samples.dtype == np.float32
    assert abs(len(samples) - len(VOICE)) <= 1100, "a last block of a codec may be filled up"
    length = min(len(samples), len(VOICE))
    assert np.abs(samples[:length] - VOICE[:length]).max() <= error + 1e-7
    assert np.corrcoef(samples[:length], VOICE[:length])[0, 1] > 0.97


@pytest.mark.parametrize("name", ["opus", "vorbis"])
@pytest.mark.parametrize("header", ["audio/webm", "audio/webm;codecs=", None])
def test_webm(name: str, header: str | None) -> None:
    content = webm(VOICE, 48000, name)
    samples = read(content, header + name if header and header.endswith("=") else header, 48000)
    assert codec(content, header=None) == name
    assert abs(len(samples) - len(VOICE)) <= 2000
    length = min(len(samples), len(VOICE))
    assert np.corrcoef(samples[:length], VOICE[:length])[0, 1] > 0.95


@pytest.mark.parametrize("count", [1, 99, 1600, 1601])
def test_g729_frames_of_ten_bytes(count: int) -> None:
    samples = read(g729_frames(count), "audio/g729", 8000)
    assert codec(g729_frames(count), "audio/g729") == "g729"
    assert len(samples) == count * 80
    assert np.abs(samples).max() > 0


@pytest.mark.parametrize("count", [1, 100, 1000])
def test_g729_frames_of_annex_d(count: int) -> None:
    frames = np.random.default_rng(1).integers(0, 256, count * 8, np.uint8).tobytes()
    assert len(read(frames, "audio/g729", 8000)) == count * 80


def test_g729_of_no_whole_frames_is_refused() -> None:
    with pytest.raises(Undecodable, match="no whole number"):
        read(g729_frames(10)[:-3], "audio/g729", 8000)


def test_what_g729_has_before_a_cut_frame_is_kept() -> None:
    whole = read(g729_frames(100), "audio/g729", 8000)
    assert np.array_equal(read(g729_frames(100)[:-3], "audio/g729", 8000), whole[:-80])


def test_basic_is_mulaw_at_8_khz_with_or_without_a_header() -> None:
    samples = voice(1, 8000)
    bare = read(encoded(samples, 8000, "RAW", "ULAW"), "audio/basic", 8000)
    headed = read(encoded(samples, 8000, "AU", "ULAW"), "audio/basic", 8000)
    assert np.array_equal(bare, headed)
    assert np.abs(bare - samples).max() < 0.02


@pytest.mark.parametrize("endianness", ["little", "big"])
@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("channels", [1, 2, 16])
def test_l16_in_either_byte_order(endianness: str, said: bool, channels: int) -> None:
    frames = np.stack([VOICE * (1 + channel) / channels for channel in range(channels)], axis=1)
    content = encoded(frames, 16000, "RAW", "PCM_16", endian=endianness.upper())
    header = f"audio/l16;rate=16000;channels={channels}" + (
        f";endianness={endianness}-endian" if said else ""
    )
    samples = read(content + bytes(200_000 * channels), header)[: len(VOICE)]
    assert np.abs(samples - frames.mean(axis=1)).max() < 1e-4
    assert codec(content, header) == f"pcm_s16{endianness[0]}e"


@pytest.mark.parametrize("content", [b"\x01\x02" * 20, np.random.default_rng(0).bytes(20_000)])
def test_l16_of_unclear_byte_order_is_refused_in_watsons_words(content: bytes) -> None:
    with pytest.raises(EndiannessUnclear) as raised:
        read(content, "audio/l16;rate=16000")
    assert str(raised.value) == (
        f"could not detect endianness after looking at the tail {len(content)} non-zero byte string in a data "
        f"stream of {len(content)} bytes. Is the bytestream really PCM data?"
    )


def test_silence_has_no_byte_order_to_tell() -> None:
    assert not read(bytes(3201), "audio/l16;rate=16000").any()


def test_wav_sent_as_l16_is_read_with_its_header_as_samples() -> None:
    samples = read(wav(voice(1, 44100), 44100), "audio/l16; rate=44100", 44100)
    assert len(samples) == 44100 + 22
    assert np.abs(samples[22:] - voice(1, 44100)).max() < 1e-4


def test_blank_stereo_wav_sent_as_l16_is_silence() -> None:
    content = wav(np.zeros((22050, 2), np.float32), 22050)
    samples = read(content, "audio/l16; rate=44100")
    assert np.abs(samples[200:]).max() < 1e-6


@pytest.mark.parametrize("channels", [1, 2, 9])
def test_channels_are_averaged(channels: int) -> None:
    frames = np.stack([VOICE * channel for channel in range(channels)], axis=1) / 10
    assert np.abs(read(wav(frames, 16000, "FLOAT"), "audio/wav") - frames.mean(axis=1)).max() < 1e-6


def test_too_many_channels() -> None:
    with pytest.raises(TooManyChannels, match=r"10 channels.*at most 9"):
        read(wav(np.zeros((100, 10), np.float32), 16000), "audio/wav")


@pytest.mark.parametrize(
    ("rate_hz", "wanted_hz"), [(16000, 8000), (44100, 16000), (48000, 16000), (22050, 8000)]
)
def test_higher_rates_are_resampled_in_place(rate_hz: int, wanted_hz: int) -> None:
    samples = read(wav(tone(2, rate_hz), rate_hz), None, wanted_hz)
    expected = tone(2, wanted_hz)
    assert abs(len(samples) - len(expected)) <= 1
    inner = slice(wanted_hz // 10, -wanted_hz // 10)
    assert np.abs(samples[: len(expected)][inner] - expected[: len(samples)][inner]).max() < 1e-3


def test_lower_rates_are_refused_unless_allowed() -> None:
    content = wav(tone(1, 8000), 8000)
    with pytest.raises(RateTooLow) as raised:
        read(content, "audio/wav", 16000)
    assert (raised.value.rate_hz, raised.value.needed_hz) == (8000, 16000)
    samples = decoding.read_mono(io.BytesIO(content), None, 16000, min_rate_hz=8000)
    assert len(samples) == 16000


@pytest.mark.parametrize(
    ("content", "header", "essence"),
    [
        (b"Call me Ishmael. " * 100, "audio/wav", "audio/wav"),
        (b"Call me Ishmael. " * 100, "audio/mp3", "audio/mpeg"),
        (b"Call me Ishmael. " * 100, None, "application/octet-stream"),
        (b"", "audio/ogg", "audio/ogg"),
        (wav(VOICE, 16000), "audio/mp3", "audio/mpeg"),
        (wav(VOICE, 16000)[:30], "audio/wav", "audio/wav"),
        (encoded(VOICE, 16000, "FLAC")[:100], "audio/flac", "audio/flac"),
        (b"\x1a\x45\xdf\xa3" + bytes(500), "audio/webm", "audio/webm"),
        (b"PK\x03\x04" + bytes(500), None, "application/octet-stream"),
    ],
)
def test_what_is_not_such_audio_is_refused(content: bytes, header: str | None, essence: str) -> None:
    with pytest.raises(Undecodable) as raised:
        read(content, header)
    assert raised.value.essence == essence
    assert "0x" not in str(raised.value)


def test_a_wrong_content_type_is_named_with_the_right_one() -> None:
    with pytest.raises(Undecodable, match="said to be audio/wav, but it is audio/flac"):
        read(encoded(VOICE, 16000, "FLAC"), "audio/wav")


def test_a_wav_of_an_unfinished_recording_is_read() -> None:
    for announced in (0xFFFFFFFF, 0):
        samples = read(with_data_bytes(wav(VOICE, 16000), announced), "audio/wav")
        assert np.abs(samples - VOICE).max() < 1e-4


def test_float_samples_are_tamed() -> None:
    wild = np.array([0.75, np.nan, np.inf, -np.inf, 3.0, -3.0], np.float32)
    assert read(wav(wild, 16000, "FLOAT"), "audio/wav").tolist() == [0.25, 0, 0, 0, 1, -1]


def test_an_absurd_rate_is_refused() -> None:
    content = bytearray(wav(VOICE, 16000))
    content[24:28] = struct.pack("<I", 2_000_000_000)
    with pytest.raises(Undecodable):
        read(bytes(content), "audio/wav")


def test_limits() -> None:
    content = wav(silence(10, 8000), 8000)
    with pytest.raises(TooLong, match="longer than 5 seconds"):
        list(decoding.blocks(io.BytesIO(content), None, limits=DecodingLimits(duration_s=5)))
    with pytest.raises(TooSlow):
        list(decoding.blocks(io.BytesIO(content), None, limits=DecodingLimits(time_s=-1)))


@pytest.mark.parametrize(("container", "subtype"), [("FLAC", "PCM_16"), ("MP3", "MPEG_LAYER_III")])
def test_a_bomb_of_hours_is_stopped_in_bounded_memory(container: str, subtype: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(encoded(silence(600, 16000), 16000, container, subtype))
    tracemalloc.start()
    try:
        with pytest.raises(TooLong):
            for _ in decoding.resampled(path, None, 8000, limits=DecodingLimits(duration_s=500)):
                pass
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_path_may_have_any_ending(tmp_path: Path) -> None:
    path = tmp_path / "upload.raw"
    path.write_bytes(wav(VOICE, 16000))
    assert np.abs(decoding.read_mono(path, None, 16000) - VOICE).max() < 1e-4


@given(
    frames=hnp.arrays(np.int16, st.tuples(st.integers(1, 400), st.integers(1, 9))),
    endian=st.sampled_from(["LITTLE", "BIG"]),
)
@settings(max_examples=50, deadline=None)
def test_pcm_comes_back_exactly(frames: NDArray[np.int16], endian: str) -> None:
    expected = (frames / np.float32(32768)).astype(np.float32)
    expected = expected[:, 0] if expected.shape[1] == 1 else expected.mean(axis=1, dtype=np.float32)
    header = f"audio/l16;rate=8000;channels={frames.shape[1]};endianness={endian.lower()}-endian"
    raw = frames.astype("<i2" if endian == "LITTLE" else ">i2").tobytes()
    assert np.array_equal(read(raw, header, 8000), expected)
    file = io.BytesIO()
    decoded = read(_wav_of_integers(frames, endian, file), "audio/wav", 8000)
    assert np.array_equal(decoded, expected)


def _wav_of_integers(frames: NDArray[np.int16], endian: str, file: io.BytesIO) -> bytes:
    import soundfile

    soundfile.write(file, frames, 8000, format="WAV", subtype="PCM_16", endian=endian)
    return file.getvalue()


@given(size=st.integers(9, 5000))
@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize(
    ("content", "header"),
    [
        (wav(np.stack([VOICE, VOICE], axis=1), 16000), "audio/wav"),
        (encoded(VOICE, 16000, "FLAC"), "audio/flac"),
        (
            encoded(np.stack([VOICE, VOICE], axis=1), 16000, "RAW", "PCM_16"),
            "audio/l16;rate=16000;channels=2",
        ),
    ],
    ids=["wav", "flac", "l16"],
)
def test_the_size_of_blocks_changes_nothing(content: bytes, header: str, size: int) -> None:
    expected = read(content, header)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "_PIECE_BYTES", size)
        assert np.array_equal(read(content, header), expected)


@given(
    content=st.binary(max_size=300),
    prefix=st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3", b".snd"]),
)
@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "audio/wav",
        "audio/flac",
        "audio/ogg",
        "audio/mp3",
        "audio/basic",
        "audio/webm",
        "audio/g729",
        "audio/l16;rate=8000",
    ],
)
def test_any_bytes_are_decoded_or_refused(content: bytes, prefix: bytes, header: str | None) -> None:
    said = content_types.parse(header) if header else None
    try:
        samples = decoding.read_mono(io.BytesIO(prefix + content), said, 8000)
    except AudioError as error:
        assert str(error)
    else:
        assert np.isfinite(samples).all()


def test_noise_in_a_wav_is_decoded_all_the_same() -> None:
    assert len(read(wav(noise(0.5, 16000), 16000), None)) == 8000


def test_resampling_yields_nothing_for_nothing() -> None:
    assert list(decoding.resample(iter([]), 16000, 8000)) == []
    assert len(decoding.read_mono(io.BytesIO(b""), ContentType("audio/l16", rate_hz=16000), 8000)) == 0
