"""Adapted models on this machine's disk: fetched once, named and checked by their checksum."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.recognition.models import AdaptedModel
from chalicelib.storage import objects

KEPT = 50
"""Files; each has a few MB."""


def cache_folder() -> Path:
    """Return the folder of this user's cached models, which nobody else can write to."""
    return Path(tempfile.gettempdir()) / f"attune-adapted-models-{os.getuid()}"


def local_file(model: AdaptedModel, folder: Path) -> Path:
    """Return the model's `model.tar.gz` in `folder`, downloading it if it is not there unharmed.

    Raises:
        engines.errors.ModelUnreadable: the object in the bucket is gone or has another checksum.
    """
    path = folder / f"{model.sha256}.tar.gz"
    if path.is_file() and _sha256(path) == model.sha256:
        os.utime(path)
        return path
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, part = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(descriptor)
    try:
        objects.download(model.key, Path(part))
        if _sha256(Path(part)) != model.sha256:
            raise ModelUnreadable("the checksum is wrong")
        Path(part).replace(path)
    except objects.ObjectNotFound:
        raise ModelUnreadable("it is gone") from None
    finally:
        Path(part).unlink(missing_ok=True)
    _forget_oldest(folder)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _forget_oldest(folder: Path) -> None:
    used: list[tuple[float, Path]] = []
    for path in folder.glob("*.tar.gz"):
        try:
            used.append((path.stat().st_mtime, path))
        except FileNotFoundError:  # another process forgot it just now
            continue
    for _, path in sorted(used)[:-KEPT]:
        path.unlink(missing_ok=True)
