"""Channels averaged or kept apart, and when an average loses speech."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.audio import content_types, decoding
from chalicelib.audio.channels import MOST_SEPARATE, ChannelDifference, Mixer, TooManySeparateChannels
from chalicelib.audio.decoding import DecodingLimits
from chalicelib.audio.errors import AudioError, TooLong
from chalicelib.audio.streaming import StreamingDecoder
from tests.audio.signals import Samples, encoded, noise, silence, tone, voice, wav

RATE_HZ = 16_000
LINE = noise(8, RATE_HZ, 0.0005)
VOICE = np.concatenate([voice(3, RATE_HZ), silence(2, RATE_HZ), voice(3, RATE_HZ)]) + LINE
OTHER = np.concatenate([silence(2, RATE_HZ), voice(6, RATE_HZ)[::-1]])
AFTERWARDS = np.concatenate([silence(3, RATE_HZ), voice(2, RATE_HZ), silence(3, RATE_HZ)])
LOSSY = [("WAV", "ULAW"), ("OGG", "OPUS"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")]


def stereo(*channels: Samples) -> Samples:
    return np.stack(channels, axis=1)


def mixed(content: bytes, mixer: Mixer, rate_hz: int = RATE_HZ, **limits: float) -> Samples:
    return np.concatenate(
        list(decoding.mixed(io.BytesIO(content), None, rate_hz, mixer, limits=DecodingLimits(**limits)))
    )


def streamed(content: bytes, mixer: Mixer, rate_hz: int = RATE_HZ, said: str | None = None) -> Samples:
    decoder = StreamingDecoder(content_types.parse(said) if said else None, rate_hz, mixer=mixer)
    try:
        parts = [
            samples
            for at in range(0, len(content), 3001)
            for samples in decoder.feed(content[at : at + 3001])
        ]
        return np.concatenate([*parts, *decoder.finish()])
    finally:
        decoder.close()


def loses_speech(samples: Samples, container: str = "WAV", subtype: str = "FLOAT") -> bool:
    mixer = Mixer()
    mixed(encoded(samples, RATE_HZ, container, subtype), mixer)
    return mixer.loses_speech


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), *LOSSY])
@pytest.mark.parametrize(
    "second",
    [VOICE, 0.3 * VOICE, silence(8, RATE_HZ), noise(8, RATE_HZ, 0.001)],
    ids=["the same", "softer", "silent", "a quiet line"],
)
def test_an_average_of_one_voice_loses_nothing(second: Samples, container: str, subtype: str) -> None:
    assert not loses_speech(stereo(VOICE, second.astype(np.float32)), container, subtype)


@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), *LOSSY])
@pytest.mark.parametrize(
    "second",
    [OTHER, AFTERWARDS, 0.3 * OTHER, -VOICE, OTHER + 0.3 * VOICE],
    ids=["at the same time", "in turns", "softer", "of opposite sign", "with crosstalk"],
)
def test_an_average_of_several_voices_loses_speech(second: Samples, container: str, subtype: str) -> None:
    assert loses_speech(stereo(VOICE, second.astype(np.float32)), container, subtype)


def test_a_long_recording_in_which_another_says_a_word_differs_by_time_not_by_power() -> None:
    said, answer = VOICE[: 3 * RATE_HZ], 0.2 * voice(1, RATE_HZ)
    first = np.concatenate([said] * 10 + [np.zeros_like(answer)])
    second = np.concatenate([np.zeros_like(said)] * 10 + [answer])
    assert loses_speech(stereo(first, second.astype(np.float32)))


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_silence_loses_nothing(level: float) -> None:
    assert not loses_speech(stereo(noise(2, RATE_HZ, level, 1), noise(2, RATE_HZ, level, 2)))


@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=20))
def test_the_sizes_of_pieces_change_nothing(sizes: list[int]) -> None:
    samples = stereo(VOICE, AFTERWARDS.astype(np.float32))
    whole, pieces = ChannelDifference(RATE_HZ, 2), ChannelDifference(RATE_HZ, 2)
    whole.feed(samples)
    for start, end in _ranges(sizes, len(samples)):
        pieces.feed(samples[start:end])
    assert pieces.loses_speech is whole.loses_speech is True


def _ranges(sizes: Sequence[int], total: int) -> list[tuple[int, int]]:
    edges = np.minimum(np.cumsum([0, *sizes, total]), total).tolist()
    return list(itertools.pairwise(edges))


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 8000])
@pytest.mark.parametrize(("container", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "OPUS")])
def test_separate_channels_are_each_what_they_would_be_alone(
    container: str, subtype: str, rate_hz: int
) -> None:
    both = stereo(VOICE, OTHER.astype(np.float32))
    content = encoded(both, RATE_HZ, container, subtype)
    whole = mixed(content, Mixer(separate=True), rate_hz)
    assert whole.shape[1] == 2
    as_it_came = streamed(content, Mixer(separate=True), rate_hz)
    assert np.abs(as_it_came[: len(whole)] - whole).max() < (1e-4 if subtype == "PCM_16" else 2e-3)
    tolerance = 2e-4 if subtype == "PCM_16" else 0.2
    for number, samples in enumerate(both.T):
        alone = decoding.read_mono(io.BytesIO(encoded(samples, RATE_HZ, "WAV", "FLOAT")), None, rate_hz)
        assert np.abs(whole[:, number] - alone[: len(whole)]).max() < tolerance
        assert np.corrcoef(whole[:, number], alone[: len(whole)])[0, 1] > 0.95


def test_raw_samples_are_kept_apart_as_they_come() -> None:
    both = np.rint(stereo(VOICE, OTHER.astype(np.float32)) * 32767).astype(np.int16)
    for said in (
        "audio/l16;rate=16000;channels=2",
        "audio/l16;rate=16000;channels=2;endianness=little-endian",
    ):
        found = streamed(both.tobytes(), Mixer(separate=True), said=said)
        assert np.array_equal(np.rint(found * 32768), both)


def test_one_channel_kept_apart_is_that_channel() -> None:
    content = wav(VOICE, RATE_HZ)
    for read in (mixed, streamed):
        assert np.array_equal(read(content, Mixer(separate=True)), read(content, Mixer()))


@pytest.mark.parametrize("read", [mixed, streamed])
def test_too_many_channels_to_keep_apart_are_refused(read: object) -> None:
    many = wav(np.repeat(tone(1, RATE_HZ)[:, None], MOST_SEPARATE + 1, axis=1), RATE_HZ)
    assert callable(read)
    assert read(many, Mixer()).ndim == 1
    with pytest.raises(
        TooManySeparateChannels, match="has 9 channels, but channels=separate takes at most 8"
    ):
        read(many, Mixer(separate=True))
    assert issubclass(TooManySeparateChannels, AudioError)


def test_channels_kept_apart_share_the_length_that_is_allowed() -> None:
    content = wav(stereo(VOICE, VOICE), RATE_HZ)
    assert len(mixed(content, Mixer(), duration_s=9.0)) == len(VOICE)
    with pytest.raises(TooLong, match=r"longer than 4\.5 seconds"):
        mixed(content, Mixer(separate=True), duration_s=9.0)
