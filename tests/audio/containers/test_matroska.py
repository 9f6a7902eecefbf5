from __future__ import annotations

import io

import av
import pytest

from chalicelib.audio.containers import matroska
from tests.audio.signals import encoded, gapped, voice

OGG = encoded(voice(3, 16000), 16000, "OGG", "OPUS")
WEBM = gapped(OGG, "ogg", out="webm")


def piped() -> bytes:
    """WebM as a recorder writes it that cannot go back: sizes are not known."""

    class Pipe(io.RawIOBase):
        def __init__(self) -> None:
            super().__init__()
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.content += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    pipe = Pipe()
    with (
        av.open(io.BytesIO(OGG), mode="r", format="ogg") as source,
        av.open(pipe, "w", format="webm", options={"live": "1"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return pipe.content


@pytest.mark.parametrize("content", [WEBM, gapped(OGG, "ogg", ((1.0, 2.5),), out="webm"), piped()])
def test_a_whole_file(content: bytes) -> None:
    assert not matroska.is_cut(io.BytesIO(content))


@pytest.mark.parametrize("content", [WEBM, piped()], ids=["sizes known", "piped"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8, 0.99])
def test_a_cut_file(content: bytes, share: float) -> None:
    file = io.BytesIO(content[: int(share * len(content))])
    assert matroska.is_cut(file)
    assert file.tell() == 0


def test_a_pipe_knows_no_sizes() -> None:
    assert b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" in piped()
