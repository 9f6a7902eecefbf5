"""Whether a recording is all there: what its headers announce against what was decoded."""

from __future__ import annotations

import os
from typing import BinaryIO

from chalicelib.audio import content_types
from chalicelib.audio.containers import matroska
from chalicelib.audio.decoding import AudioDecoder
from chalicelib.audio.formats import riff, tags

_TELL_DAMAGE = frozenset({"audio/flac", "audio/g729"})
"""Other formats may end with bytes that fill up a block, and say in their headers what is missing."""
_MPEG_TOLERANCE_S = 0.1
_MP4_TOLERANCE_S = 0.3
"""Some count what an encoder puts before the first sample: two blocks, a quarter of a second at 8 kHz."""
_MPEG_HEAD_BYTES = 64 << 10
_MPEG_DELAY_FRAMES = 1105
"""Of the encoder and the decoder; they are not heard."""

_OGG_MAX_PAGE_BYTES = 65_307
_OGG_HEADER_BYTES = 27
_OGG_MAX_FLAGS = 7


def shortfall(file: BinaryIO, decoder: AudioDecoder) -> str | None:
    """Return what of a recording is missing, for the user to read; None: it is whole, as far as can be told.

    Args:
        file: the recording, seekable.
        decoder: what has read it to its end.
    """
    if decoder.content_type.essence in _TELL_DAMAGE and decoder.damaged_s is not None:
        return damaged_after(decoder.damaged_s)
    missing = _missing(file, decoder)
    return None if missing is None else f"The audio was cut off: {missing}. Export and upload it again."


def damaged_after(decoded_s: float) -> str:
    """Say until where a recording could be decoded, for the user to read."""
    return f"The audio is damaged or was cut off after {decoded_s:.1f} s. Export and upload it again."


def _missing(file: BinaryIO, decoder: AudioDecoder) -> str | None:
    match decoder.content_type.essence:
        case "audio/wav" | "audio/basic":
            return _missing_bytes(file)
        case "audio/ogg":
            return "its last Ogg page is not whole" if _ogg_is_cut(file) else None
        case "audio/webm":
            return "its last part is not whole" if matroska.is_cut(file) else None
        case "audio/flac":
            return _missing_seconds(decoder, decoder.format.announced_frames, 0.0)
        case "audio/mp4":
            return _missing_seconds(decoder, decoder.format.announced_frames, _MP4_TOLERANCE_S)
        case "audio/mpeg":
            return _missing_seconds(decoder, _mpeg_frames(file), _MPEG_TOLERANCE_S)
        case _:
            return None


def _missing_bytes(file: BinaryIO) -> str | None:
    data = riff.data_chunk(file)
    if data is None or data.announced_bytes is None or data.present_bytes == data.announced_bytes:
        return None
    missing = data.announced_bytes - data.present_bytes
    return f"{missing} of the {data.announced_bytes} bytes of samples that its header announces are missing"


def _missing_seconds(decoder: AudioDecoder, announced_frames: int | None, tolerance_s: float) -> str | None:
    if announced_frames is None:
        return None
    rate_hz = decoder.format.rate_hz
    announced_s, decoded_s = announced_frames / rate_hz, decoder.frames / rate_hz
    if decoded_s >= announced_s - tolerance_s:
        return None
    return f"its header announces {announced_s:.1f} s, but only {decoded_s:.1f} s are there"


def _mpeg_frames(file: BinaryIO) -> int | None:
    """Return how many samples an MP3 with a Xing or Info header has, less the delay of its codec."""
    start = 0
    file.seek(0)
    while length := tags.length_bytes(file.read(tags.HEADER_BYTES)):
        start += length
        file.seek(start)
    file.seek(start)
    head = file.read(_MPEG_HEAD_BYTES)
    file.seek(0)
    announced = content_types.xing_frames(head)
    return None if announced is None else max(0, announced - _MPEG_DELAY_FRAMES)


def _ogg_is_cut(file: BinaryIO) -> bool:
    """Whether the last page is shorter than it says. A missing end mark is fine: live captures lack it."""
    total = file.seek(0, os.SEEK_END)
    file.seek(max(0, total - 2 * _OGG_MAX_PAGE_BYTES))
    tail = file.read()
    file.seek(0)
    at = len(tail)
    while (at := tail.rfind(b"OggS", 0, at)) >= 0:
        header = tail[at : at + _OGG_HEADER_BYTES]
        if len(header) == _OGG_HEADER_BYTES and (header[4] != 0 or header[5] > _OGG_MAX_FLAGS):
            continue
        segments = header[26] if len(header) == _OGG_HEADER_BYTES else 255
        lacing = tail[at + _OGG_HEADER_BYTES : at + _OGG_HEADER_BYTES + segments]
        return len(lacing) < segments or at + _OGG_HEADER_BYTES + segments + sum(lacing) > len(tail)
    return True
