"""Adapted models as files, as a training job leaves them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines import adapted_model
from chalicelib.engines.sphinx.artefact import ARRAYS_NAME
from chalicelib.engines.whisper.model.low_rank import FILE_NAME, delta_bytes
from chalicelib.engines.whisper.model.short_window import short_window
from chalicelib.engines.whisper.model.weights import MODEL_SHA256
from training_image.arrays import write_npz


def packed(members: Mapping[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    """Return a gzipped tar of these members."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size, member.type = len(content), kind
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def members(base_version: str, files: Mapping[str, bytes], engine: str = "sphinx") -> dict[str, bytes]:
    """Return what a `model.tar.gz` holds, an engine's files among it; none: the base was kept."""
    about = adapted_model.manifest(engine, base_version, files)
    report = {"decision": "adapted" if files else "base"}
    return {**files, "manifest.json": json.dumps(about).encode(), "report.json": json.dumps(report).encode()}


def sphinx_files(arrays: Mapping[str, NDArray[Any]] | None) -> dict[str, bytes]:
    """Return the files of Sphinx's room for some arrays."""
    if arrays is None:
        return {}
    content = io.BytesIO()
    write_npz(content, arrays)
    return {ARRAYS_NAME: content.getvalue()}


def sphinx_model(base_version: str, arrays: Mapping[str, NDArray[Any]] | None) -> bytes:
    """Return a whole `model.tar.gz` of Sphinx."""
    return packed(members(base_version, sphinx_files(arrays)))


def taught(seed: int = 1, strength: float = 0.3) -> bytes:
    """Return a change of every linear layer of the embedded network: what it was taught itself, once more.

    Args:
        seed: of a little chance, so that no two changes are alike.
        strength: how much of it; 0 is chance alone, less than 0 makes it forget.
    """
    chance = np.random.default_rng(seed)
    base = short_window()
    changes = [
        replace(change, up=strength * change.up + chance.normal(0, 1e-4, change.up.shape))
        for change in base.changes
    ]
    return delta_bytes(MODEL_SHA256, changes, [base.sha256])


def network_model(base_version: str, content: bytes | None = None) -> bytes:
    """Return a whole `model.tar.gz` of the network, with some bytes as what it was taught."""
    files = {FILE_NAME: taught() if content is None else content}
    return packed(members(base_version, files, "whisper"))


def written(path: Path, content: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(content)
    return path
