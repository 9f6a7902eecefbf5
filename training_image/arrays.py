"""Named arrays as an npz file: the same arrays always give the same bytes, and nothing is pickled."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray


def write_npz(file: IO[bytes], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays in the order of their names, with a fixed date and no compression.

    Raises:
        ValueError: an array holds Python objects.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(arrays):
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(arrays[name]), allow_pickle=False)


def read_npz(file: IO[bytes]) -> dict[str, NDArray[Any]]:
    """Read what `write_npz` wrote.

    Raises:
        ValueError, zipfile.BadZipFile: this is no npz file, or it holds Python objects.
    """
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
