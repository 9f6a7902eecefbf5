"""What a job leaves in /opt/ml/model: adapted parameters, a manifest that vouches for them, and a report."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training_image.arrays import write_npz
from training_image.checkpoint import write_atomically

FORMAT = 1
ARRAYS_NAME = "adapted.npz"
MANIFEST_NAME = "manifest.json"
REPORT_NAME = "report.json"


def write_model(
    folder: Path,
    arrays: Mapping[str, NDArray[Any]] | None,
    *,
    engine: str,
    base_version: str,
    report: Mapping[str, Any],
) -> None:
    """Write the files of a model; without arrays it is the base itself. The manifest comes last.

    Raises:
        OSError: the disk is full or not writable.
    """
    clear_model(folder)
    digests = {}
    if arrays is not None:
        file = io.BytesIO()
        write_npz(file, arrays)
        write_atomically(folder / ARRAYS_NAME, file.getvalue())
        digests[ARRAYS_NAME] = hashlib.sha256(file.getvalue()).hexdigest()
    manifest = {"format": FORMAT, "engine": engine, "base_version": base_version, "sha256": digests}
    write_atomically(folder / REPORT_NAME, _json(report))
    write_atomically(folder / MANIFEST_NAME, _json(manifest))


def clear_model(folder: Path) -> None:
    """Remove what an interrupted run of this job may have written."""
    for name in (MANIFEST_NAME, REPORT_NAME, ARRAYS_NAME):
        (folder / name).unlink(missing_ok=True)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(plain(document), indent=1, allow_nan=False).encode()


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: no NumPy, no dataclasses, and null for what is not finite."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, np.generic | np.ndarray):
        return plain(value.tolist())
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(inner) for inner in value]
    return value
