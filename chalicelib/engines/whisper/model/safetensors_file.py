"""Reads and writes safetensors: a length, a description in JSON, then the arrays. Nothing in them is run."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable

_TYPES: dict[str, str] = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_OWN_TYPES: dict[str, str] = {"F32": "<f4", "F16": "<f2", "U8": "|u1"}
"""Of the files that are written here."""
_KINDS = {np.dtype(kind): name for name, kind in _OWN_TYPES.items()}
_MOST_HEADER_BYTES = 100_000_000
_METADATA = "__metadata__"
_ALIGNMENT_BYTES = 8
_LENGTH_BYTES = 8


@dataclass(frozen=True)
class SafetensorsContent:
    """What a file of our own holds."""

    arrays: dict[str, NDArray[Any]]
    metadata: dict[str, str]


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the floating-point arrays of a file by name, in half precision or more.

    Raises:
        ModelUnreadable: it is truncated or damaged, or has arrays of a type that weights do not have.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(_LENGTH_BYTES))
            if length > min(_MOST_HEADER_BYTES, path.stat().st_size):
                raise ValueError(f"{length} bytes of description are more than there are")  # noqa: TRY301
            described = json.loads(file.read(length))
        content = np.memmap(path, np.uint8, "r", offset=_LENGTH_BYTES + length)
        return {
            name: _array(content, name, described[name], _TYPES) for name in described if name != _METADATA
        }
    except ModelUnreadable as reason:
        raise ModelUnreadable(f"{path}: {reason}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError) as error:
        raise ModelUnreadable(f"{path} is truncated, or no file of safetensors: {error}") from None


def parse(content: bytes) -> SafetensorsContent:
    """Read the bytes of a file as `packed` writes them: arrays in half or single precision, or of bytes.

    Raises:
        ModelUnreadable: they are truncated or damaged, have bytes that no array owns, or something else.
    """
    try:
        (length,) = struct.unpack_from("<Q", content)
        if length > len(content) - _LENGTH_BYTES:
            raise ValueError(f"{length} bytes of description are more than there are")  # noqa: TRY301
        start = _LENGTH_BYTES + length
        described = json.loads(content[_LENGTH_BYTES:start])
        metadata = described.pop(_METADATA, {})
        body = np.frombuffer(content, np.uint8, offset=start)
        arrays = {name: _array(body, name, of_array, _OWN_TYPES) for name, of_array in described.items()}
        texts = [*metadata, *metadata.values()]
    except (ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError) as error:
        raise ModelUnreadable(f"is truncated, or no file of safetensors: {error}") from None
    if not all(isinstance(text, str) for text in texts):
        raise ModelUnreadable("is damaged: its metadata are no texts")
    if sum(array.nbytes for array in arrays.values()) != len(body):
        raise ModelUnreadable("is damaged: it has bytes that belong to no array")
    return SafetensorsContent(arrays, metadata)


def packed(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Return a file's bytes; the same arrays and metadata give the same, whatever their order.

    Raises:
        ValueError: an array is neither in half or single precision nor of bytes.
    """
    described: dict[str, object] = {_METADATA: dict(sorted(metadata.items()))}
    pieces: list[bytes] = []
    at = 0
    for name, array in sorted(arrays.items()):
        if array.dtype not in _KINDS:
            raise ValueError(f"{name} is of type {array.dtype}; {', '.join(_OWN_TYPES)} are written")
        # In the order of rows, whatever the strides: the format knows no other.
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        described[name] = {
            "dtype": _KINDS[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + len(raw)],
        }
        pieces.append(raw)
        at += len(raw)
    header = json.dumps(described, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT_BYTES)
    return b"".join([struct.pack("<Q", len(header)), header, *pieces])


def _array(
    content: NDArray[np.uint8], name: str, described: dict[str, Any], kinds: Mapping[str, str]
) -> NDArray[Any]:
    kind, shape, (start, end) = described["dtype"], tuple(described["shape"]), described["data_offsets"]
    if kind not in kinds:
        raise ModelUnreadable(f"{name} is of type {kind}; {', '.join(kinds)} can be read")
    size_bytes = math.prod(shape) * np.dtype(kinds[kind]).itemsize
    if not 0 <= start <= end <= len(content) or end - start != size_bytes:
        raise ModelUnreadable(f"it is truncated or damaged at {name}")
    values = np.frombuffer(content[start:end].tobytes(), kinds[kind]).reshape(shape)
    if kind == "BF16":  # the upper half of single precision
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values
