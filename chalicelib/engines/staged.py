"""The bases that an operator has staged: `catalogue.json` in the folder of ATTUNE_BASES. No NumPy, no engine.

The file is read again when it has changed, and replaced as a whole. Beside it lies a folder for each base.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib import settings
from chalicelib.engines.errors import BaseUnreadable

CATALOGUE = "catalogue.json"
FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Of a base, and so of its folder."""
WEIGHTS = "model.bin"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class StagedFile:
    """A file of a base."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class StagedModel:
    """A base model that a base serves."""

    name: str
    """As Watson calls it, e.g. `ko-KR_BroadbandModel`."""
    version: str
    """The full version string."""
    language: str | None
    """Code of the language in the weights, e.g. `ko`; None: they know one only."""


@dataclass(frozen=True)
class StagedBase:
    """A network that was added, checked and measured."""

    name: str
    """Of its folder, too."""
    engine: str
    source: str
    added: str
    """Date."""
    licence: str
    """What the operator, or the weights' own page, says of it; may be empty."""
    files: Mapping[str, StagedFile]
    models: tuple[StagedModel, ...]
    memory_bytes: int
    """How much more a process takes with it, measured."""
    measured: Mapping[str, Any]
    """What was measured on the machine where it was added."""

    @property
    def weights(self) -> StagedFile:
        """The file of the network itself."""
        return self.files[WEIGHTS]


@dataclass(frozen=True)
class Catalogue:
    """All staged bases, in the order in which they were added."""

    bases: tuple[StagedBase, ...] = ()
    retired: tuple[str, ...] = ()
    """Version strings of bases that were removed: never given again, since custom models may name them."""

    def base(self, name: str) -> StagedBase | None:
        """Return the base of a name."""
        return next((base for base in self.bases if base.name == name), None)

    def versions(self) -> Collection[str]:
        """Return all version strings that were ever given."""
        return {*self.retired, *(model.version for base in self.bases for model in base.models)}


EMPTY = Catalogue()


class CatalogueUnreadable(ValueError):
    """The file is damaged, or of another version of this program."""


def read(root: Path) -> Catalogue:
    """Read the catalogue of a folder; an empty one where there is none.

    Raises:
        CatalogueUnreadable: it cannot be read.
    """
    path = root / CATALOGUE
    try:
        fields = json.loads(path.read_bytes())
        if fields["format"] != FORMAT:
            reason = f"{path} has the form {fields['format']}; this program reads {FORMAT}"
            raise CatalogueUnreadable(reason)  # noqa: TRY301 - as what `_base` raises
        bases = tuple(_base(base) for base in fields["bases"])
        return Catalogue(bases, tuple(map(str, fields["retired"])))
    except FileNotFoundError:
        return EMPTY
    except CatalogueUnreadable:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise CatalogueUnreadable(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def write(root: Path, catalogue: Catalogue) -> None:
    """Replace the catalogue of a folder; a reader sees the old one or the new one, whole."""
    fields = {
        "format": FORMAT,
        "bases": [dataclasses.asdict(base) for base in catalogue.bases],
        "retired": list(catalogue.retired),
    }
    part = root / f".{CATALOGUE}.{os.getpid()}"
    with part.open("w", encoding="utf-8") as file:
        json.dump(fields, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    part.replace(root / CATALOGUE)


def current() -> Catalogue:
    """Return what is staged now: the same object as long as the file does not change.

    A damaged catalogue is none: whatever does not need it goes on. The log has the reason.
    """
    root = settings.bases()
    if root is None:
        return EMPTY
    try:
        status = (root / CATALOGUE).stat()
    except OSError:
        return EMPTY
    seen = (str(root), status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    return _Seen.catalogue(root, seen)


class _Seen:
    """The catalogue as it was read last. Threads may read it at the same time."""

    last: tuple[object, Catalogue] = (None, EMPTY)

    @classmethod
    def catalogue(cls, root: Path, seen: object) -> Catalogue:
        known, catalogue = cls.last
        if known == seen:
            return catalogue
        try:
            catalogue = read(root)
        except CatalogueUnreadable as error:
            _log.error("no staged base is served: %s", error)
            catalogue = EMPTY
        cls.last = (seen, catalogue)
        return catalogue


def located(name: str) -> tuple[Path, StagedBase]:
    """Return the folder of a staged base whose files are all there, in the sizes that they should have.

    Raises:
        BaseUnreadable: it is not staged (any more), or its folder or a file has gone or changed.
    """
    root, base = settings.bases(), current().base(name)
    if root is None or base is None:
        raise BaseUnreadable.told(name, "it is not staged here any more")
    folder = root / name
    for file, stated in base.files.items():
        try:
            size_bytes = (folder / file).stat().st_size
        except OSError:
            raise BaseUnreadable.told(name, f"its file {file} has gone") from None
        if size_bytes != stated.size_bytes:
            raise BaseUnreadable.told(
                name, f"its file {file} has {size_bytes} bytes, not the {stated.size_bytes} that were staged"
            )
    return folder, base


def _base(fields: Mapping[str, Any]) -> StagedBase:
    files = {str(name): StagedFile(**stated) for name, stated in fields["files"].items()}
    models = tuple(StagedModel(**model) for model in fields["models"])
    name = fields["name"]
    if WEIGHTS not in files or not isinstance(name, str) or not NAME.fullmatch(name):
        raise CatalogueUnreadable(f"the base {name!r} has no {WEIGHTS}, or no name of a folder")
    return StagedBase(**{**fields, "files": files, "models": models})
