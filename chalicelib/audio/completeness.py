"""Whether a recording is all there: what its headers announce against what was decoded."""

from __future__ import annotations

import os
from typing import BinaryIO

from chalicelib.audio import riff
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.stream import AudioFormat

# Formats without a count of samples announce a length with the codec's delay and filling in it.
_TOLERANCE_S = {"audio/flac": 0.0, "audio/mpeg": 0.1, "audio/webm": 0.25}

_OGG_MAX_PAGE_BYTES = 65_307
_OGG_HEADER_BYTES = 27
_OGG_MAX_FLAGS = 7


def shortfall(file: BinaryIO, said: ContentType, audio_format: AudioFormat, frames: int) -> str | None:
    """Return what of a recording is missing, for the user to read; None: it is whole, as far as can be told.

    Args:
        file: the recording, seekable.
        said: its format.
        audio_format: what its header says.
        frames: how many were decoded.
    """
    missing = _missing(file, said, audio_format, frames)
    return None if missing is None else f"The audio was cut off: {missing}. Export and upload it again."


def _missing(file: BinaryIO, said: ContentType, audio_format: AudioFormat, frames: int) -> str | None:
    if said.essence in ("audio/wav", "audio/basic"):
        data = riff.data_chunk(file)
        if data is None or data.announced_bytes is None or data.present_bytes == data.announced_bytes:
            return None
        missing = data.announced_bytes - data.present_bytes
        return (
            f"{missing} of the {data.announced_bytes} bytes of samples that its header announces are missing"
        )
    if said.essence == "audio/ogg":
        return "its last Ogg page is not whole" if _ogg_is_cut(file) else None
    if said.essence in _TOLERANCE_S and audio_format.announced_frames is not None:
        announced_s = audio_format.announced_frames / audio_format.rate_hz
        decoded_s = frames / audio_format.rate_hz
        if decoded_s < announced_s - _TOLERANCE_S[said.essence]:
            return f"its header announces {announced_s:.1f} s, but only {decoded_s:.1f} s are there"
    return None


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
