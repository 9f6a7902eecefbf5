"""Pictures of pages as small PNG files: with at most 256 colours, which a page hardly has more of."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

_COLOURS = 256
_STEP = 8
"""Colours of the edges of letters are told apart by so much."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_IMAGE = 3


def write(path: Path, png: bytes) -> None:
    """Keep a picture, given as the browser has made it."""
    with av.open(io.BytesIO(png), mode="r") as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    palette, numbers = _reduced(pixels.astype(np.uint8))
    height, width = numbers.shape
    # Each row begins with the number of its filter: none.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), numbers], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, _PALETTE_IMAGE, 0, 0, 0)
    parts = [(b"IHDR", header), (b"PLTE", palette.tobytes()), (b"IDAT", zlib.compress(rows.tobytes(), 9))]
    path.write_bytes(
        _SIGNATURE + b"".join(_chunk(kind, content) for kind, content in [*parts, (b"IEND", b"")])
    )


def _reduced(pixels: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return a palette of the most frequent colours, (n, 3), and the number of each pixel's colour."""
    coarse = pixels // _STEP
    codes = (coarse[..., 0].astype(np.int64) << 16) | (coarse[..., 1].astype(np.int64) << 8) | coarse[..., 2]
    _, first, inverse, counts = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    colours = pixels.reshape(-1, 3)[first].astype(np.int64)
    kept = np.argsort(-counts)[:_COLOURS]
    distances = ((colours[:, None] - colours[None, kept]) ** 2).sum(axis=2)
    numbers = distances.argmin(axis=1).astype(np.uint8)
    return colours[kept].astype(np.uint8), numbers[inverse].reshape(codes.shape)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
