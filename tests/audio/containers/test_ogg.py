from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.audio.containers import ogg
from chalicelib.audio.errors import Undecodable
from tests.audio.signals import encoded, voice

ONE = encoded(voice(1, 16000), 16000, "OGG", "OPUS")
OTHER = encoded(voice(2, 16000), 16000, "OGG", "VORBIS")
STEREO = encoded(voice(1, 16000).repeat(2).reshape(-1, 2), 16000, "OGG", "OPUS")


def follow(content: bytes, size: int = 1 << 15) -> None:
    pages = ogg.OggPages()
    passed = sum(pages.feed(content[at : at + size]) for at in range(0, len(content), size))
    if pages.refusal is None:
        assert passed == len(content)
    else:
        assert 2 * len(ONE) <= passed <= 2 * len(ONE) + 80, "what comes before is read"
        raise pages.refusal


@pytest.mark.parametrize("size", [1, 26, 1000, 1 << 20])
def test_recordings_that_are_sampled_alike_may_follow_each_other(size: int) -> None:
    follow(ONE * 3, size)
    follow(OTHER * 2, size)


@pytest.mark.parametrize(
    "following",
    [OTHER, STEREO, encoded(voice(1, 48000), 48000, "OGG", "OPUS")],
    ids=["codec", "channels", "rate"],
)
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_others_are_refused_with_their_number(following: bytes, size: int) -> None:
    with pytest.raises(Undecodable, match="3 recordings one after another"):
        follow(ONE * 2 + following, size)


def test_several_streams_side_by_side_are_one_recording() -> None:
    first_page = 27 + OTHER[26] + sum(OTHER[27 : 27 + OTHER[26]])
    follow(ONE[: 27 + ONE[26] + sum(ONE[27 : 27 + ONE[26]])] + OTHER[:first_page] + ONE)


def test_pages_are_found_again_behind_what_is_none() -> None:
    with pytest.raises(Undecodable):
        follow(ONE + b"tags" * (len(ONE) // 4) + OTHER, 100)


@given(st.binary(max_size=300), st.integers(0, len(ONE)), st.integers(1, 5000))
@settings(max_examples=30, deadline=None)
def test_any_bytes_pass(tail: bytes, cut: int, size: int) -> None:
    follow(ONE[:cut] + tail, size)


@pytest.mark.parametrize(
    ("said_hz", "rate_hz"),
    [(0, 48_000), (8_000, 8_000), (11_025, 12_000), (16_000, 16_000), (44_100, 48_000), (96_000, 48_000)],
)
def test_the_rate_that_opus_was_made_from(said_hz: int, rate_hz: int) -> None:
    assert ogg.opus_rate_hz(b"OpusHead\x01\x01\x38\x01" + said_hz.to_bytes(4, "little") + bytes(3)) == rate_hz
    assert ogg.opus_rate_hz(b"\x01vorbis" + bytes(20)) is None
