"""Low-rank changes of a network (Hu et al. 2021): a small file that is added to a base's weights.

The file is an npz without pickled objects: `base_sha256`, and for each change two matrices, named after the
weights that they change and the first row that they change there (CTranslate2 stacks projections).
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model_file import Arrays, ModelFile

_BASE = "base_sha256"
_PART = re.compile(r"(?P<weights>[a-z0-9_/]+)@(?P<first_row>[0-9]{1,6})\.(?P<kind>down|up)")


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
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays: dict[str, NDArray[Any]] = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise ModelUnreadable(f"is no low-rank change, or is damaged: {error}") from None
    base = arrays.pop(_BASE, None)
    if base is None or base.shape != () or base.dtype.kind != "U":
        raise ModelUnreadable("does not say which base it belongs to")
    return Delta(str(base), tuple(_changes(arrays)), hashlib.sha256(content).hexdigest())


def delta_bytes(base_sha256: str, changes: tuple[Change, ...]) -> bytes:
    """Return a delta's file, matrices in half precision; the same changes give the same bytes."""
    arrays: dict[str, NDArray[Any]] = {_BASE: np.array(base_sha256)}
    for change in changes:
        name = f"{change.weights}@{change.first_row}"
        arrays[f"{name}.down"] = np.ascontiguousarray(change.down, np.float16)
        arrays[f"{name}.up"] = np.ascontiguousarray(change.up, np.float16)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            with archive.open(zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0)), "w") as member:
                np.lib.format.write_array(member, arrays[name], allow_pickle=False)
    return out.getvalue()


def merged(model: ModelFile, delta: Delta, base_sha256: str, alpha: float = 1.0) -> ModelFile:
    """Return the network with α times the change added to its weights, those in single precision.

    Args:
        model: the base in half or single precision, or what another delta made of it.
        delta: the change.
        base_sha256: checksum of the base's file.
        alpha: how much of the change, 0…1; with 0 every array stays as it is.

    Raises:
        ModelUnreadable: the change belongs to another base, or does not fit its weights.
    """
    if delta.base_sha256 != base_sha256:
        raise ModelUnreadable(
            f"this change was taught to the base {delta.base_sha256}, not to {base_sha256}: teach it anew"
        )
    arrays: Arrays = dict(model.arrays)
    for change in delta.changes if alpha else ():
        old = arrays.get(change.weights)
        rows = slice(change.first_row, change.first_row + len(change.up))
        if old is None or old.ndim != 2 or old[rows].shape != (len(change.up), change.down.shape[1]):
            raise ModelUnreadable(f"this change does not fit the base's {change.weights}")
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
