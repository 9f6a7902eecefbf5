"""What a training job leaves behind: `model.tar.gz`, checked before anything relies on it."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

FORMAT = 1
MAX_MEMBER_BYTES = 2 * 1024**3
MAX_DOCUMENT_BYTES = 64 * 1024**2
_CHUNK_BYTES = 1024**2
_DOCUMENTS = ("manifest.json", "report.json")


class ArtefactDamaged(Exception):
    """The artefact is not what a training of that base version makes; the text is for the operator."""


@dataclass(frozen=True)
class Artefact:
    """A checked `model.tar.gz`."""

    sha256: str
    """Of the archive itself."""
    report: bytes
    """`report.json` as the container wrote it."""
    decision: str
    """adapted | transform | base."""


def verify(path: Path, *, engine: str, base_version: str) -> Artefact:
    """Check an artefact: whole, every file with the checksum that its manifest states, for this base version.

    Nothing is unpacked.

    Raises:
        ArtefactDamaged: it must not be used.
    """
    documents, checksums = _read(path)
    manifest = _document(documents, "manifest.json")
    stated = manifest.get("sha256")
    if manifest.get("format") != FORMAT or not isinstance(stated, dict):
        raise ArtefactDamaged("manifest.json has an unknown form")
    if manifest.get("base_version") != base_version or manifest.get("engine") != engine:
        raise ArtefactDamaged(
            f"made for {manifest.get('engine')} {manifest.get('base_version')}, not {engine} {base_version}"
        )
    if stated != checksums:
        raise ArtefactDamaged(
            f"the manifest states {sorted(stated)}, but does not describe {sorted(checksums)}"
        )
    report = _document(documents, "report.json")
    decision = report.get("decision")
    if decision not in {"adapted", "transform", "base"}:
        raise ArtefactDamaged(f"unknown decision {decision!r}")
    if decision != "base" and not checksums:
        raise ArtefactDamaged(f"the decision is {decision!r}, but there are no parameters")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Artefact(digest, documents["report.json"], decision)


def _read(path: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the documents, and the checksum of every other file."""
    documents: dict[str, bytes] = {}
    checksums: dict[str, str] = {}
    try:
        with gzip.open(path) as whole, tarfile.open(fileobj=whole, mode="r:") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if member.isdir():
                    continue
                content = archive.extractfile(member) if member.isfile() else None
                if (
                    content is None
                    or member.size > MAX_MEMBER_BYTES
                    or name in documents
                    or name in checksums
                ):
                    raise ArtefactDamaged(f"unexpected member {member.name!r}")
                if name in _DOCUMENTS:
                    documents[name] = content.read(MAX_DOCUMENT_BYTES)
                else:
                    checksums[name] = _sha256(content)
            _sha256(whole)  # to its end, where gzip's own checksum is, which covers the documents too
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ArtefactDamaged(f"not a readable archive: {error}") from error
    return documents, checksums


def _sha256(content: IO[bytes] | gzip.GzipFile) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _document(documents: dict[str, bytes], name: str) -> dict[str, Any]:
    try:
        document = json.loads(documents[name])
    except KeyError:
        raise ArtefactDamaged(f"there is no {name}") from None
    except (ValueError, RecursionError):
        raise ArtefactDamaged(f"{name} is not JSON") from None
    if not isinstance(document, dict):
        raise ArtefactDamaged(f"{name} is not an object")
    return document
