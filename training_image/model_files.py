"""What a job leaves in /opt/ml/model: an engine's files, a manifest that vouches for them, and a report."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.engines import adapted_model
from chalicelib.engines.adapted_model import REPORT_NAME
from chalicelib.language.sealed import MANIFEST_NAME
from training_image.checkpoint import write_atomically


def write_model(
    folder: Path,
    files: Mapping[str, bytes],
    *,
    engine: str,
    base_version: str,
    report: Mapping[str, Any],
) -> None:
    """Write a model: its engine's files by name; without any it is the base itself. The manifest comes last.

    Raises:
        ValueError: a name that no file of a model may have.
        OSError: the disk is full or not writable.
    """
    manifest = adapted_model.manifest(engine, base_version, files)
    clear_model(folder)
    for name, content in files.items():
        write_atomically(folder / name, content)
    write_atomically(folder / REPORT_NAME, _json(report))
    write_atomically(folder / MANIFEST_NAME, _json(manifest))


def clear_model(folder: Path) -> None:
    """Remove what an interrupted run of this job may have written, and leave the folder, if there is one."""
    for path in folder.glob("*"):
        if not path.is_dir():
            path.unlink()


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
