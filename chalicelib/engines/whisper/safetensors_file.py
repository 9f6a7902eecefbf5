"""Reads files of safetensors: a length, a description in JSON, then the arrays. Nothing in them is run."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable

_TYPES: dict[str, str] = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_MOST_HEADER_BYTES = 100_000_000


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Return the floating-point arrays of a file by name, in half precision or more.

    Raises:
        ModelUnreadable: it is truncated or damaged, or has arrays of a type that weights do not have.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > min(_MOST_HEADER_BYTES, path.stat().st_size):
                raise ValueError(f"{length} bytes of description are more than there are")  # noqa: TRY301
            described = json.loads(file.read(length))
        content = np.memmap(path, np.uint8, "r", offset=8 + length)
        return {name: _array(content, name, described[name]) for name in described if name != "__metadata__"}
    except ModelUnreadable as reason:
        raise ModelUnreadable(f"{path}: {reason}") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, struct.error, RecursionError) as error:
        raise ModelUnreadable(f"{path} is truncated, or no file of safetensors: {error}") from None


def _array(content: NDArray[np.uint8], name: str, described: dict[str, Any]) -> NDArray[Any]:
    kind, shape, (start, end) = described["dtype"], tuple(described["shape"]), described["data_offsets"]
    if kind not in _TYPES:
        raise ModelUnreadable(f"{name} is of type {kind}; {', '.join(_TYPES)} can be read")
    size_bytes = math.prod(shape) * np.dtype(_TYPES[kind]).itemsize
    if not 0 <= start <= end <= len(content) or end - start != size_bytes:
        raise ModelUnreadable(f"it is truncated or damaged at {name}")
    values = np.frombuffer(content[start:end].tobytes(), _TYPES[kind]).reshape(shape)
    if kind == "BF16":  # the upper half of single precision
        return (values.astype(np.uint32) << 16).view(np.float32)
    return values
