"""Low-rank changes of a network (Hu et al. 2021): a small file that is added to a base's weights.

The file is one of safetensors. Its metadata say which base it was taught to, and what was merged into that
base before. For each change it has two matrices in half precision, named after the weights that they change
and the first row that they change there (CTranslate2 stacks projections).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model import safetensors_file
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile

FILE_NAME = "low-rank.safetensors"
"""Of the file that an adaptation of a network leaves."""
_BASE, _BENEATH = "base_sha256", "beneath"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"(?P<weights>[a-z0-9_/]+)@(?P<first_row>[0-9]{1,6})\.(?P<kind>down|up)")


class NotForThisBase(ModelUnreadable):
    """A change was taught to other weights than those that it is to be merged into."""


@dataclass(frozen=True)
class Change:
    """`up @ down` is added to some rows of one matrix."""

    weights: str
    """Name in the model file, e.g. `encoder/layer_0/ffn/linear_0/weight`."""
    first_row: int
    down: NDArray[np.floating[Any]]
    """Shape (rank, columns of the weights)."""
    up: NDArray[np.floating[Any]]
    """Shape (rows that change, rank)."""


@dataclass(frozen=True)
class Delta:
    """What was taught to a base."""

    base_sha256: str
    """Checksum of the model file that it was taught to; it fits no other."""
    changes: tuple[Change, ...]
    sha256: str
    """Checksum of its own file."""
    beneath: tuple[str, ...] = ()
    """Checksums of the changes that were merged into the base, in this order, when this one was taught."""


def read_delta(path: Path, sha256: str | None = None) -> Delta:
    """Read a delta's file; see `parse_delta`.

    Raises:
        ModelUnreadable: it is missing, damaged, or has another checksum than `sha256`.
    """
    try:
        delta = parse_delta(path.read_bytes())
    except OSError as error:
        raise ModelUnreadable(f"{path} cannot be read: {error}") from None
    except ModelUnreadable as reason:
        raise ModelUnreadable(f"{path}: {reason}") from None
    if sha256 is not None and delta.sha256 != sha256:
        raise ModelUnreadable(f"{path} has the SHA-256 {delta.sha256}, not {sha256}: it is another file")
    return delta


def parse_delta(content: bytes) -> Delta:
    """Read the bytes of a delta.

    Raises:
        ModelUnreadable: they are truncated, damaged, or something else.
    """
    found = safetensors_file.parse(content)
    base, *beneath = (found.metadata.get(_BASE, ""), *_split(found.metadata.get(_BENEATH, "")))
    if not all(map(_SHA256.fullmatch, (base, *beneath))) or found.metadata.keys() - {_BASE, _BENEATH}:
        raise ModelUnreadable("does not say by checksums which base, with what beneath, it belongs to")
    changes = tuple(_changes(found.arrays))
    return Delta(base, changes, hashlib.sha256(content).hexdigest(), tuple(beneath))


def delta_bytes(base_sha256: str, changes: Sequence[Change], beneath: Sequence[str] = ()) -> bytes:
    """Return a delta's file, matrices in half precision; the same changes give the same bytes.

    Args:
        base_sha256: checksum of the model file that was taught.
        changes: what it was taught, all of it: a share of it is to be multiplied into `up` before.
        beneath: checksums of the deltas' files that had been merged into the base, in their order.

    Raises:
        ValueError: two changes begin in the same row of the same weights.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for change in changes:
        name = f"{change.weights}@{change.first_row}"
        if f"{name}.down" in arrays:
            raise ValueError(f"{change.weights} is changed twice from row {change.first_row} on")
        arrays[f"{name}.down"] = np.asarray(change.down, np.float16)
        arrays[f"{name}.up"] = np.asarray(change.up, np.float16)
    return safetensors_file.packed(arrays, {_BASE: base_sha256, _BENEATH: ",".join(beneath)})


def _split(text: str) -> list[str]:
    return text.split(",") if text else []


def merged(model: ModelFile, delta: Delta, base_sha256: str, alpha: float = 1.0) -> ModelFile:
    """Return the network with α times the change added to its weights, those in single precision.

    Args:
        model: the base in half or single precision, or what another delta made of it.
        delta: the change.
        base_sha256: checksum of the base's file.
        alpha: how much of the change, 0…1; with 0 every array stays as it is.

    Raises:
        NotForThisBase: the change belongs to another base, or does not fit its weights.
        ModelUnreadable: the base is quantised already.
    """
    if delta.base_sha256 != base_sha256:
        raise NotForThisBase(
            f"this change was taught to the base {delta.base_sha256}, not to {base_sha256}: teach it anew"
        )
    arrays: Arrays = dict(model.arrays)
    for change in delta.changes if alpha else ():
        old = arrays.get(change.weights)
        rows = slice(change.first_row, change.first_row + len(change.up))
        if old is None or old.ndim != 2 or old[rows].shape != (len(change.up), change.down.shape[1]):
            raise NotForThisBase(f"this change does not fit the base's {change.weights}")
        if not np.issubdtype(old.dtype, np.floating):
            raise ModelUnreadable(f"the base's {change.weights} is quantised: merge before quantising")
        new = old.astype(np.float32) if old is model.arrays[change.weights] else old
        new[rows] += np.float32(alpha) * (change.up.astype(np.float32) @ change.down.astype(np.float32))
        arrays[change.weights] = new
    return replace(model, arrays=arrays)


def _changes(arrays: Mapping[str, NDArray[Any]]) -> list[Change]:
    changes = []
    for name in sorted(arrays):
        found = _PART.fullmatch(name)
        if found is None:
            raise ModelUnreadable(f"is no low-rank change: it holds {name!r}")
        down, up = (arrays.get(f"{name.rpartition('.')[0]}.{kind}") for kind in ("down", "up"))
        if down is None or up is None or down.ndim != 2 or up.ndim != 2 or up.shape[1] != len(down):
            raise ModelUnreadable(f"is damaged: the matrices of {found['weights']} do not fit each other")
        if not all(part.dtype.kind == "f" and np.isfinite(part).all() for part in (down, up)):
            raise ModelUnreadable(f"is damaged: {found['weights']} has values that are no numbers")
        if found["kind"] == "down":
            changes.append(Change(found["weights"], int(found["first_row"]), down, up))
    return changes
