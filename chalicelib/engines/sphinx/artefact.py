"""The arrays of an adapted model: what is Sphinx's own in `model.tar.gz`."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines import adapted_model
from chalicelib.engines.errors import ModelUnreadable

ENGINE = "sphinx"
ARRAYS_NAME = "adapted.npz"
NOISE_SUPPRESSION = "noise_suppression"
"""Name of an array that says by being there: the model hears speech from which stationary noise was taken."""

_MAX_ARRAYS_BYTES = 64 << 20
_MAX_UNPACKED_BYTES = 128 << 20

Arrays = dict[str, NDArray[np.float32]]


def read_artefact(path: Path, base_version: str) -> Arrays | None:
    """Return the arrays of an adapted model, None where training kept the base.

    Raises:
        ModelUnreadable: damaged, too large, or made by another engine or for another base version.
    """
    files = adapted_model.read(
        path,
        {ARRAYS_NAME: _MAX_ARRAYS_BYTES},
        engine=ENGINE,
        base_version=base_version,
        max_unpacked_bytes=_MAX_UNPACKED_BYTES,
    )
    return _arrays(path, files[ARRAYS_NAME]) if ARRAYS_NAME in files else None


def _arrays(path: Path, content: bytes) -> Arrays:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_ARRAYS_BYTES:
                raise ModelUnreadable(f"{path.name}: {ARRAYS_NAME} unpacks to more than it may")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: np.asarray(arrays[name], np.float32) for name in arrays.files}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelUnreadable(f"{path.name}: {ARRAYS_NAME} is damaged: {error}") from error
