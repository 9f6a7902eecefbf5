"""Headerless G.729: frames of 10 bytes (8 kbit/s) or 8 bytes (Annex D, 6.4 kbit/s), told apart by parity."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext

from chalicelib.audio.errors import Undecodable, undecodable
from chalicelib.audio.stream import AudioFormat, Samples

ESSENCE = "audio/g729"
RATE_HZ = 8000
FRAME_BYTES = 10
ANNEX_D_FRAME_BYTES = 8
_FRAME_S = 0.01
_PACKET_FRAMES = 100
_PROBE_FRAMES = 1000
_FED_PROBE_BYTES = 400
# Of random bits half of the frames have the right parity.
_PARITY_SHARE = 0.9


class Fed:
    """Raw frames that come in pieces of any size; their size is told by the first of them."""

    def __init__(self) -> None:
        self.damaged_s: float | None = None
        """Where something could not be decoded first, in seconds; known at the end."""
        self._decoded_frames = 0
        self.format = AudioFormat(RATE_HZ, 1, "g729")
        self._frame_bytes = 0
        self._frames: _Frames | None = None
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, 1).

        Raises:
            Undecodable: the decoder refuses a frame.
        """
        self._held += data
        if self._frames is None and len(self._held) >= _FED_PROBE_BYTES:
            whole = _parity_share(self._held[:_FED_PROBE_BYTES]) >= _PARITY_SHARE
            self._frame_bytes = FRAME_BYTES if whole else ANNEX_D_FRAME_BYTES
            self._frames = _Frames(self._frame_bytes)
        if self._frames is not None:
            yield from self._decoded(self._frames)

    def finish(self) -> Iterator[Samples]:
        """Yield what was held back.

        Raises:
            Undecodable: the bytes are no whole number of frames, or the decoder refuses one. A last frame
                that was cut is left out where the parity of the others tells their size.
        """
        if self._frames is None and self._held:
            self._frame_bytes = _frame_bytes(io.BytesIO(self._held))
            self._frames = _Frames(self._frame_bytes)
        if self._frames is not None:
            yield from self._decoded(self._frames)
            if self._held and self._frame_bytes != FRAME_BYTES:
                raise undecodable(ESSENCE)
            if self._held:
                self.damaged_s = self._decoded_frames * _FRAME_S

    def close(self) -> None:
        """Do nothing."""

    def _decoded(self, frames: _Frames) -> Iterator[Samples]:
        whole = len(self._held) - len(self._held) % self._frame_bytes
        data, self._held = self._held[:whole], self._held[whole:]
        self._decoded_frames += whole // self._frame_bytes
        size = self._frame_bytes * _PACKET_FRAMES
        for start in range(0, len(data), size):
            yield frames.decode(data[start : start + size])


class _Frames:
    """FFmpeg's decoder, fed with whole frames of one size."""

    def __init__(self, frame_bytes: int) -> None:
        decoder = av.CodecContext.create("g729", "r")
        assert isinstance(decoder, AudioCodecContext)
        decoder.sample_rate = RATE_HZ
        decoder.layout = "mono"
        self._decoder = decoder
        # It takes many frames of 10 bytes in a packet, but one of 8.
        self._step = frame_bytes * (_PACKET_FRAMES if frame_bytes == FRAME_BYTES else 1)

    def decode(self, data: bytes) -> Samples:
        parts = []
        try:
            for start in range(0, len(data), self._step):
                parts += [
                    frame.to_ndarray()[0]
                    for frame in self._decoder.decode(av.Packet(data[start : start + self._step]))
                ]
        except av.FFmpegError as error:
            raise undecodable(ESSENCE) from error
        samples = np.concatenate(parts).astype(np.float32) / np.float32(32768)
        return np.asarray(samples.reshape(-1, 1))


def _frame_bytes(file: BinaryIO) -> int:
    probe = file.read(_PROBE_FRAMES * FRAME_BYTES)
    total = len(probe)
    while chunk := file.read(1 << 20):
        total += len(chunk)
    file.seek(0)
    whole, whole_annex_d = total % FRAME_BYTES == 0, total % ANNEX_D_FRAME_BYTES == 0
    if whole and (not whole_annex_d or _parity_share(probe) >= _PARITY_SHARE):
        return FRAME_BYTES
    if whole_annex_d:
        return ANNEX_D_FRAME_BYTES
    raise Undecodable(
        ESSENCE,
        f"The {total} bytes are no whole number of G.729 frames of {FRAME_BYTES} bytes (8 kbit/s) or "
        f"{ANNEX_D_FRAME_BYTES} bytes (6.4 kbit/s). Send bare frames, without a container or silence frames.",
    )


def _parity_share(probe: bytes) -> float:
    """Share of 10-byte frames whose bit P0 is the odd parity of the six upper bits of P1 (G.729, 3.7.2)."""
    frames = np.frombuffer(probe[: len(probe) // FRAME_BYTES * FRAME_BYTES], np.uint8).reshape(
        -1, FRAME_BYTES
    )
    if not len(frames):
        return 0.0
    # Before P1 lie L0 to L3, 18 bits; P1 has 8 bits, then P0.
    bits = np.unpackbits(frames[:, 2:4], axis=1)
    covered = bits[:, 2:8].sum(axis=1)
    return float(((covered + bits[:, 10]) % 2 == 1).mean())
