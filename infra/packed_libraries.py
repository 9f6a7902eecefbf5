"""Loads shared libraries that lie compressed beside a package.

`infra.layer_libraries.pack` copies this file into a package of the Lambda layer: unpacked, everything
together would be more than Lambda takes. It imports nothing of this project.
"""

from __future__ import annotations

import ctypes
import gzip
import os
import shutil
import tempfile
from pathlib import Path


def load(folder_name: str, beside: Path = Path(__file__).parent.parent, target: Path | None = None) -> None:
    """Load the libraries of a folder, unpacked if need be (75 MB: 0.5 s, once for each container).

    A library that is loaded satisfies whoever is linked to its name, wherever it lies.

    Args:
        folder_name: where the libraries lie, e.g. `ctranslate2.libs`.
        beside: the folder of that folder.
        target: where they are unpacked to; None: the temporary folder.

    Raises:
        OSError: there is no room, or a library cannot be loaded.
    """
    target = Path(tempfile.gettempdir()) / f"attune-{os.getuid()}" if target is None else target
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if target.stat().st_uid != os.getuid():
        raise PermissionError(f"{target} belongs to somebody else")
    folder = beside / folder_name
    for library in sorted(folder.glob("*.so*")):
        if library.suffix != ".gz":
            ctypes.CDLL(str(library))
    for packed in sorted(folder.glob("*.gz")):
        ctypes.CDLL(str(_unpacked(packed, target)))


def _unpacked(packed: Path, target: Path) -> Path:
    library = target / packed.stem
    if library.exists():
        return library
    # Under another name first: whoever finds the library finds it whole.
    part = target / f"{packed.stem}.{os.getpid()}"
    with gzip.open(packed) as source, part.open("wb") as unpacked:
        shutil.copyfileobj(source, unpacked, 1 << 20)
    part.replace(library)
    return library
