"""Reads and writes the file of a Whisper network for CTranslate2, and quantises it as CTranslate2 does.

`model.bin`, binary version 6, little-endian: version, the name of the architecture, its revision, then named
arrays, then aliases (a second name for an array). A file that is read and written again keeps its bytes.
"""

from __future__ import annotations

import math
import mmap
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable

Arrays = dict[str, NDArray[Any]]
"""Arrays of a network by their name, e.g. `encoder/layer_0/ffn/linear_0/weight`."""

BINARY_VERSION = 6
ARCHITECTURE = "WhisperSpec"
REVISION = 3
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
_CODES = {np.dtype(kind): code for code, kind in _TYPES.items()}
_MOST_DIMENSIONS = 4
_INT8_MAX = np.float32(127)


@dataclass(frozen=True)
class ModelFile:
    """What a model file holds, in its order."""

    arrays: Arrays
    aliases: dict[str, str]
    """Second names of arrays."""


class _ValueReader:
    """Takes values off a file's bytes, one after the other."""

    def __init__(self, content: bytes | mmap.mmap) -> None:
        self.content = content
        self.at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self.content, self.at)
        self.at += struct.calcsize(form)
        return int(value)

    def text(self) -> str:
        raw = self.raw(self.number("H"))
        if raw[-1:] != b"\0":
            raise ValueError("a name does not end where it should")
        return raw[:-1].decode()

    def raw(self, size_bytes: int) -> bytes:
        raw = self.content[self.at : self.at + size_bytes]
        if len(raw) != size_bytes:
            raise ValueError(f"{size_bytes} bytes are missing from byte {self.at} on")
        self.at += size_bytes
        return raw

    def array(self) -> NDArray[Any]:
        shape = [self.number("I") for _ in range(self.number("B"))]
        code, size_bytes = self.number("B"), self.number("I")
        if code not in _TYPES or len(shape) > _MOST_DIMENSIONS:
            raise ValueError(f"an array of type {code} with {len(shape)} dimensions is unknown")
        kind = np.dtype(_TYPES[code]).newbyteorder("<")
        if math.prod(shape) * kind.itemsize != size_bytes:
            raise ValueError(f"an array of shape {shape} cannot have {size_bytes} bytes")
        if self.at + size_bytes > len(self.content):
            raise ValueError(f"{self.at + size_bytes - len(self.content)} bytes are missing at its end")
        values = np.frombuffer(self.content, kind, math.prod(shape), self.at).reshape(shape)
        self.at += size_bytes
        return values


def read_model(path: Path) -> ModelFile:
    """Read a model file; its arrays are read-only views of the file's bytes.

    Raises:
        ModelUnreadable: it is missing, truncated, damaged, or of another architecture, revision or version.
    """
    try:
        return parse_model(path.read_bytes())
    except ModelUnreadable as reason:
        raise ModelUnreadable(f"{path}: {reason}") from None
    except OSError as error:
        raise ModelUnreadable(f"{path} cannot be read: {error}") from None


def parse_model(content: bytes | mmap.mmap) -> ModelFile:
    """Read the bytes of a model file; see `read_model`. Arrays in memory that can be written to can be, too.

    Raises:
        ModelUnreadable: they are not those of a Whisper network, whole and as expected.
    """
    reader = _ValueReader(content)
    try:
        version = reader.number("I")
        if version != BINARY_VERSION:
            raise ModelUnreadable(
                f"is no model of CTranslate2 in version {BINARY_VERSION} but {version}; convert it anew"
            )
        found = reader.text(), reader.number("I")
        if found != (ARCHITECTURE, REVISION):
            raise ModelUnreadable(
                f"holds {found[0]}, revision {found[1]}; {ARCHITECTURE}, revision {REVISION}, is wanted"
            )
        arrays = {reader.text(): reader.array() for _ in range(reader.number("I"))}
        aliases = {reader.text(): reader.text() for _ in range(reader.number("I"))}
    except (struct.error, ValueError) as error:
        raise ModelUnreadable(f"is truncated or damaged: {error}") from None
    if reader.at != len(content):
        raise ModelUnreadable(f"has {len(content) - reader.at} bytes behind its end")
    unknown = [target for target in aliases.values() if target not in arrays]
    if unknown:
        raise ModelUnreadable(f"is damaged: it names {unknown[0]}, which it does not hold")
    return ModelFile(arrays, aliases)


def model_bytes(model: ModelFile) -> bytes:
    """Return the bytes of a model file.

    Raises:
        ValueError: an array is of a type that CTranslate2 does not know.
    """
    out = bytearray(struct.pack("<I", BINARY_VERSION) + _packed(ARCHITECTURE))
    out += struct.pack("<II", REVISION, len(model.arrays))
    for name, array in model.arrays.items():
        if array.dtype not in _CODES:
            raise ValueError(f"{name} is of type {array.dtype}, which a model file cannot hold")
        raw = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        out += _packed(name) + struct.pack(f"<B{array.ndim}I", array.ndim, *array.shape)
        out += struct.pack("<BI", _CODES[array.dtype], len(raw)) + raw
    out += struct.pack("<I", len(model.aliases))
    for alias, target in model.aliases.items():
        out += _packed(alias) + _packed(target)
    return bytes(out)


def quantised(model: ModelFile) -> ModelFile:
    """Return the network with linear weights and embeddings in eight bits, all else in single precision.

    CTranslate2 makes the same of half or single precision when it loads a file for `compute_type="int8"`:
    each row is scaled so that its largest value becomes 127. Arrays that are in eight bits already stay.
    """
    arrays: Arrays = {}
    for name, array in model.arrays.items():
        if not np.issubdtype(array.dtype, np.floating):
            arrays[name] = array
        elif is_linear(name):
            arrays[name], arrays[f"{name}_scale"] = in_eight_bits(array.astype(np.float32))
        else:
            arrays[name] = array.astype(np.float32)
    return replace(model, arrays=dict(sorted(arrays.items())))


def is_linear(name: str) -> bool:
    """Say whether an array is a matrix that is quantised: linear layers and embeddings, no convolutions."""
    return name.endswith("weight") and "conv" not in name


def in_eight_bits(weights: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return rows in -127…127 and the factor of each row, shape (rows,)."""
    largest = np.maximum(weights.max(axis=1), -weights.min(axis=1))
    scale = np.where(largest > 0, _INT8_MAX / np.where(largest > 0, largest, 1), np.float32(1)).astype(
        np.float32
    )
    steps = weights * scale[:, None]
    return np.rint(steps, out=steps).astype(np.int8), scale


def _packed(text: str) -> bytes:
    raw = text.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw
