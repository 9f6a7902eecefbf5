"""MP4 and M4A: with the index before or behind the samples, whole, cut and broken."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from chalicelib.audio.completeness import shortfall
from chalicelib.audio.content_types import parse, sniff
from chalicelib.audio.decoding import opened
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.formats import mp4
from chalicelib.audio.formats.mp4 import Mp4
from tests.audio.signals import voice

VOICE = voice(3, 16000)


def m4a(codec: str = "aac", *, index_first: bool = False, movflags: str = "") -> bytes:
    """Write the voice as phones do."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "voice.mp4")  # the index is put first by opening the file once more
        _write(path, codec, movflags or ("faststart" if index_first else ""))
        return path.read_bytes()


def _write(path: Path, codec: str, flags: str) -> None:
    options = {"movflags": flags} if flags else {}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream(codec, rate=16000)
        assert isinstance(stream, AudioStream)
        stream.layout = "mono"
        samples = (VOICE * 32767).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = 16000
        resampler = av.AudioResampler(format=stream.codec_context.format, layout="mono", rate=16000)
        for one in resampler.resample(frame):
            container.mux(stream.encode(one))
        container.mux(stream.encode(None))


@pytest.mark.parametrize("codec", ["aac", "alac"])
@pytest.mark.parametrize("index_first", [True, False])
@pytest.mark.parametrize("header", ["audio/mp4", "audio/x-m4a", "video/mp4", None])
def test_the_voice_is_heard_wherever_the_index_stands(
    codec: str, index_first: bool, header: str | None
) -> None:
    content = m4a(codec, index_first=index_first)
    found = sniff(content)
    assert found is not None
    assert found.essence == "audio/mp4"
    with opened(io.BytesIO(content), None if header is None else parse(header)) as decoder:
        samples = np.concatenate(list(decoder.blocks()))
        assert (decoder.format.rate_hz, decoder.format.codec) == (16000, codec)
        assert abs(len(samples) - len(VOICE)) <= 2112
        assert shortfall(io.BytesIO(content), decoder) is None
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(np.sqrt(np.mean(VOICE**2)), rel=0.1)


def test_a_fragmented_file_is_heard() -> None:
    content = m4a(movflags="frag_keyframe+empty_moov")
    with opened(io.BytesIO(content), None) as decoder:
        assert abs(sum(map(len, decoder.blocks())) - len(VOICE)) <= 2112


def test_a_file_that_was_cut_is_found_out() -> None:
    whole = m4a("alac", index_first=True)
    cut = whole[: len(whole) // 2]
    with opened(io.BytesIO(cut), None) as decoder:
        for _ in decoder.blocks():
            pass
        assert "only" in (shortfall(io.BytesIO(cut), decoder) or "")
    without_index = m4a("alac")[: len(whole) // 2]
    with pytest.raises(Undecodable), opened(io.BytesIO(without_index), None):
        pass


@pytest.mark.parametrize("content", [b"\0\0\0\x20ftypM4A " + bytes(600), b"\0\0\0\x08ftyp" * 100])
def test_what_only_looks_like_it_is_refused(content: bytes) -> None:
    with pytest.raises(Undecodable, match="cannot be read as audio/mp4"), opened(io.BytesIO(content), None):
        pass


def test_a_file_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mp4, "_MOST_BYTES", 1000)
    source = Mp4()
    assert list(source.feed(bytes(900))) == []
    with pytest.raises(Undecodable, match="more than 1 GB"):
        source.feed(bytes(200))
    source.close()


def test_nothing_is_no_file() -> None:
    with pytest.raises(Undecodable):
        list(Mp4().finish())
