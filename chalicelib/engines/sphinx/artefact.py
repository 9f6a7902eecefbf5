"""The adapted model as a file: `model.tar.gz` with arrays and a manifest that vouches for them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.language.sealed import MANIFEST_NAME, ArchiveUnreadable, read_members

FORMAT = 1
ENGINE = "sphinx"
ARRAYS_NAME = "adapted.npz"
NOISE_SUPPRESSION = "noise_suppression"
"""Name of an array that says by being there: the model hears speech from which stationary noise was taken."""

_MAX_ARRAYS_BYTES = 64 << 20
_MAX_MANIFEST_BYTES = 1 << 20
_MAX_UNPACKED_BYTES = 128 << 20

Arrays = dict[str, NDArray[np.float32]]


def arrays_content(arrays: Mapping[str, NDArray[np.floating]]) -> bytes:
    """Return the content of `adapted.npz`; the same arrays give the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(arrays):
            array = io.BytesIO()
            np.lib.format.write_array(array, arrays[name].astype(np.float32), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, array.getvalue(), zipfile.ZIP_DEFLATED)  # else the entry's own: stored
    return file.getvalue()


def manifest(base_version: str, arrays: bytes | None) -> dict[str, object]:
    """Return what `manifest.json` says; `arrays` is the content of `adapted.npz`, if there is one."""
    sums = {} if arrays is None else {ARRAYS_NAME: hashlib.sha256(arrays).hexdigest()}
    return {"format": FORMAT, "engine": ENGINE, "base_version": base_version, "sha256": sums}


def read_artefact(path: Path, base_version: str) -> Arrays | None:
    """Return the arrays of an adapted model, None where training kept the base.

    Nothing of the archive touches the disk; members other than the two that are needed are passed over.

    Raises:
        ModelUnreadable: damaged, too large, or made by another engine or for another base version.
    """
    members = _members(path)
    try:
        described = json.loads(members[MANIFEST_NAME])
        made_for = (described["format"], described["engine"], described["base_version"])
        sums = described["sha256"]
        expected = sums.get(ARRAYS_NAME)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelUnreadable(f"{path.name} has no readable {MANIFEST_NAME}") from error
    if made_for != (FORMAT, ENGINE, base_version):
        raise ModelUnreadable(
            f"{path.name} was made for {made_for[2]} (format {made_for[0]}), not {base_version}"
        )
    content = members.get(ARRAYS_NAME)
    if expected is None and content is None:
        return None
    if content is None or hashlib.sha256(content).hexdigest() != expected:
        raise ModelUnreadable(f"{path.name}: {ARRAYS_NAME} is not the file that its manifest describes")
    return _arrays(path, content)


def _members(path: Path) -> dict[str, bytes]:
    bounds = {ARRAYS_NAME: _MAX_ARRAYS_BYTES, MANIFEST_NAME: _MAX_MANIFEST_BYTES}
    try:
        return read_members(path, bounds, _MAX_UNPACKED_BYTES)
    except ArchiveUnreadable as error:
        raise ModelUnreadable(str(error)) from error


def _arrays(path: Path, content: bytes) -> Arrays:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_ARRAYS_BYTES:
                raise ModelUnreadable(f"{path.name}: {ARRAYS_NAME} unpacks to more than it may")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], np.float32) for name in arrays.files}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelUnreadable(f"{path.name}: {ARRAYS_NAME} is damaged: {error}") from error
