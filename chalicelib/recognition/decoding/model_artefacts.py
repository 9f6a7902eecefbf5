"""Adapted models on this machine's disk: fetched once, named and checked by their checksum."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

from chalicelib.engines import model_cache
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.model_cache import HeldFile
from chalicelib.recognition.request.models import ModelArtefact
from chalicelib.storage import objects


def local_file(model: ModelArtefact, folder: Path) -> HeldFile:
    """Return the model's `model.tar.gz` in `folder`, downloading it if it is not there unharmed.

    Raises:
        engines.errors.ModelUnreadable: the object in the bucket is gone or has another checksum.
    """
    path = folder / f"{model.sha256}.tar.gz"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = model_cache.hold(path)
    if held is not None and _sha256(path) != model.sha256:
        path.unlink(missing_ok=True)
        held = None
    return held or model_cache.kept(path, functools.partial(_fetch, model))


def _fetch(model: ModelArtefact, target: Path) -> None:
    try:
        objects.download(model.key, target)
    except objects.ObjectNotFound:
        raise ModelUnreadable("it is gone") from None
    if _sha256(target) != model.sha256:
        raise ModelUnreadable("the checksum is wrong")


def _sha256(path: Path) -> str:
    found = path.stat()
    return _sha256_of(path, found.st_ino, found.st_size, found.st_mtime_ns)


@functools.lru_cache(maxsize=256)
def _sha256_of(path: Path, *_: int) -> str:
    """Return a file's checksum, once for as long as it stays as it is: a model may have a hundred MB."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
