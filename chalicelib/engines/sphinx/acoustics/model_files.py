"""Reads and writes an acoustic model's files in the CMU Sphinx formats, as far as it needs."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HEADER_END = b"endhdr\n"
_BYTE_ORDER_MARK = 0x11223344
_LOG_STEP = np.log(1.0001) * 1024
"""One unit of a quantised mixture weight: a logarithm to the base 1.0001, shifted by ten bits."""
_LOWEST_UNIT = 159
"""Of a quantised mixture weight, as the decoder bounds it: 8.5e-8."""


class ModelFileUnreadable(Exception):
    """A model file is not what its name says."""


def read_gaussians(path: Path) -> NDArray[np.float64]:
    """Return means or variances, shape (codebooks, streams, densities, dimensions).

    Raises:
        ModelFileUnreadable: another format, or streams of unequal width.
    """
    content = path.read_bytes()
    start = content.find(_HEADER_END) + len(_HEADER_END)
    try:
        (mark,) = struct.unpack_from("<i", content, start)
        order = "<" if mark == _BYTE_ORDER_MARK else ">"
        codebooks, streams, densities = struct.unpack_from(f"{order}3i", content, start + 4)
        widths = struct.unpack_from(f"{order}{streams}i", content, start + 16)
        (count,) = struct.unpack_from(f"{order}i", content, start + 16 + 4 * streams)
        values = np.frombuffer(content, f"{order}f4", count, start + 20 + 4 * streams)
        return values.reshape(codebooks, streams, densities, widths[0]).astype(np.float64)
    except (struct.error, ValueError, IndexError) as error:
        raise ModelFileUnreadable(f"{path.name} does not hold Gaussians: {error}") from error


def write_gaussians(path: Path, gaussians: NDArray[np.floating]) -> None:
    """Write means or variances, shape (codebooks, streams, densities, dimensions), in single precision."""
    codebooks, streams, densities, width = gaussians.shape
    header = struct.pack("<4i", _BYTE_ORDER_MARK, codebooks, streams, densities)
    header += struct.pack(f"<{streams}i", *[width] * streams) + struct.pack("<i", gaussians.size)
    content = np.ascontiguousarray(gaussians, "<f4").tobytes()
    path.write_bytes(b"s3\nversion 1.0\n" + _HEADER_END + header + content)


def read_mixture_weights(path: Path, streams: int) -> NDArray[np.float64]:
    """Return the mixture weights of a `sendump` file without clusters, shape (senones, streams, densities).

    They are normalised over the densities; the file quantises them to eight bits.

    Raises:
        ModelFileUnreadable: another format.
    """
    content = path.read_bytes()
    try:
        position = 0
        for _ in range(2):  # title and version
            position += 4 + struct.unpack_from("<i", content, position)[0]
        while True:
            (length,) = struct.unpack_from("<i", content, position)
            position += 4
            if length == 0:
                break
            line = content[position : position + length]
            if line.startswith(b"cluster_count") and not line.startswith(b"cluster_count 0"):
                raise ModelFileUnreadable(f"{path.name} holds clustered weights")
            position += length
        densities, senones = struct.unpack_from("<2i", content, position)
        quantised = np.frombuffer(content, np.uint8, streams * densities * senones, position + 8)
    except (struct.error, ValueError) as error:
        raise ModelFileUnreadable(f"{path.name} does not hold mixture weights: {error}") from error
    by_senone = quantised.reshape(streams, densities, senones).transpose(2, 0, 1)
    weights: NDArray[np.float64] = np.exp(-_LOG_STEP * by_senone.astype(np.float64))
    weights /= weights.sum(axis=2, keepdims=True)
    return weights


def write_mixture_weights(path: Path, weights: NDArray[np.floating]) -> None:
    """Write mixture weights, shape (senones, streams, densities), as a `sendump` file: eight bits each.

    Rounded down, as the decoder and the file that comes with it round them.
    """
    senones, _, densities = weights.shape
    texts = (b"mixture weights\0", b"cluster_count 0\0", b"cluster_count 0\0")
    header = b"".join(struct.pack("<i", len(text)) + text for text in texts)
    least = np.exp(-_LOG_STEP * _LOWEST_UNIT)
    quantised = (
        np.ceil(-np.log(np.maximum(weights, least)) / _LOG_STEP).clip(0, _LOWEST_UNIT).astype(np.uint8)
    )
    by_stream = np.ascontiguousarray(quantised.transpose(1, 2, 0))
    path.write_bytes(header + struct.pack("<3i", 0, densities, senones) + by_stream.tobytes())


def read_phones(path: Path) -> tuple[str, ...]:
    """Return the names of the context-independent phones of a binary `mdef`, in the order of the codebooks.

    Raises:
        ModelFileUnreadable: another format.
    """
    content = path.read_bytes()
    try:
        (description_bytes,) = struct.unpack_from("<i", content, 8)
        position = 12 + description_bytes
        (phones,) = struct.unpack_from("<i", content, position)
        names = content[position + 40 : position + 40 + 64 * phones].split(b"\0")[:phones]
        return tuple(name.decode("ascii") for name in names)
    except (struct.error, UnicodeDecodeError) as error:
        raise ModelFileUnreadable(f"{path.name} does not hold phones: {error}") from error
