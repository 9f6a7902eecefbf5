from __future__ import annotations

import io
from typing import Any

import av
import pytest

from chalicelib.audio import content_types, decoding
from chalicelib.audio.containers.codecs import DECODED
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.streaming import StreamingDecoder
from tests.audio.signals import voice


def _coded(container: str, codec: str) -> bytes:
    samples = (voice(1.0, 48_000) * 32767).astype("<i2")
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate = 48_000
    packed = io.BytesIO()
    with av.open(packed, "w", format=container) as output:
        stream: Any = output.add_stream(codec, rate=48_000)
        context = stream.codec_context
        context.layout, context.format = "mono", context.codec.audio_formats[0].name
        context.open()
        resampler = av.AudioResampler(context.format.name, "mono", 48_000, context.frame_size or 1024)
        for whole in [*resampler.resample(frame), *resampler.resample(None), None]:
            output.mux(context.encode(whole))
    return packed.getvalue()


@pytest.mark.parametrize(
    ("essence", "container", "codec"),
    [("audio/webm", "matroska", "ac3")],
)
def test_a_codec_that_nobody_speaks_is_not_decoded(essence: str, container: str, codec: str) -> None:
    content, said = _coded(container, codec), content_types.of_recognition(essence, None)
    with (
        pytest.raises(Undecodable, match=f"'{codec}'.*Convert the audio"),
        decoding.opened(io.BytesIO(content), said),
    ):
        pytest.fail("it was opened")
    decoder = StreamingDecoder(said, 16_000)
    with pytest.raises(Undecodable):
        for _ in [*decoder.feed(content), *decoder.finish()]:
            pytest.fail("it was decoded")


@pytest.mark.parametrize(
    ("essence", "container", "codec"),
    [
        *(("audio/wav", "wav", codec) for codec in ("adpcm_ima_wav", "mp3", "pcm_s24le")),
        *(("audio/webm", "matroska", codec) for codec in ("opus", "mp3", "aac")),
    ],
)
def test_those_that_speech_comes_in_are(essence: str, container: str, codec: str) -> None:
    content, said = _coded(container, codec), content_types.of_recognition(essence, None)
    assert len(decoding.read_mono(io.BytesIO(content), said, 48_000)) > 40_000


def test_every_listed_codec_is_one() -> None:
    for codec in set().union(*DECODED.values()) - {"libspeex"}:
        assert av.codec.Codec(codec, "r").canonical_name == codec
