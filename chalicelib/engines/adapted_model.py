"""The form of `model.tar.gz`, what an adaptation leaves: described, verified and read here. No NumPy.

The archive holds `manifest.json`, which names every file of the engine with its checksum, `report.json`, and
these files. What they hold is the engine's own business; nothing of an archive is unpacked to the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.language.sealed import MANIFEST_NAME, ArchiveUnreadable, read_members

FORMAT = 1
REPORT_NAME = "report.json"
KEPT_BASE = "base"
"""The decision where nothing beats the base: there are no files of the engine."""
MAX_MEMBER_BYTES = 2 * 1024**3
MAX_DOCUMENT_BYTES = 64 * 1024**2

_MAX_MANIFEST_BYTES = 1024**2
_CHUNK_BYTES = 1024**2
_DOCUMENTS = (MANIFEST_NAME, REPORT_NAME)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DECISION = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True)
class Verified:
    """A `model.tar.gz` that may be used."""

    sha256: str
    """Of the archive itself."""
    report: bytes
    """`report.json` as the container wrote it."""
    decision: str
    """KEPT_BASE, or the stage of the engine's adaptation that beats the base."""


def manifest(engine: str, base_version: str, files: Mapping[str, bytes]) -> dict[str, object]:
    """Return what `manifest.json` says of an engine's files, by name; none where the base is kept.

    Raises:
        ValueError: a name has other signs than letters, digits, `.`, `_`, `-`, or is that of a document.
    """
    for name in files:
        if not _is_file_name(name):
            raise ValueError(f"not the name of a file of an adapted model: {name!r}")
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    return {"format": FORMAT, "engine": engine, "base_version": base_version, "sha256": sums}


def verify(path: Path, *, engine: str, base_version: str) -> Verified:
    """Check an archive: whole, every file with the checksum that its manifest states, for this base version.

    Raises:
        ModelUnreadable: it must not be used; the text is for the operator.
    """
    documents, sums = _looked_through(path)
    stated = _stated_sums(path, _document(path, documents, MANIFEST_NAME), engine, base_version)
    if stated != sums:
        raise ModelUnreadable(
            f"{path.name}: the manifest states {sorted(stated)}, but does not describe {sorted(sums)}"
        )
    decision = _document(path, documents, REPORT_NAME).get("decision")
    if not is_decision(decision):
        raise ModelUnreadable(f"{path.name}: unknown decision {decision!r}")
    if decision != KEPT_BASE and not sums:
        raise ModelUnreadable(f"{path.name}: the decision is {decision!r}, but there are no parameters")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Verified(digest, documents[REPORT_NAME], str(decision))


def read(
    path: Path, limits: Mapping[str, int], *, engine: str, base_version: str, max_unpacked_bytes: int
) -> dict[str, bytes]:
    """Return the files of an adapted model, each with the checksum that its manifest states.

    Args:
        path: the archive.
        limits: the files that the engine knows, and how many bytes each may have.
        engine: name of the engine that reads it.
        base_version: what the engine loads it on top of.
        max_unpacked_bytes: how much the whole archive may unpack to.

    Raises:
        ModelUnreadable: damaged, too large, made for another engine or base version, or with a file that
            `limits` does not name.
    """
    try:
        members = read_members(path, {**limits, MANIFEST_NAME: _MAX_MANIFEST_BYTES}, max_unpacked_bytes)
    except ArchiveUnreadable as error:
        raise ModelUnreadable(str(error)) from error
    stated = _stated_sums(path, _document(path, members, MANIFEST_NAME), engine, base_version)
    unknown = sorted(stated.keys() - limits.keys())
    if unknown:
        raise ModelUnreadable(f"{path.name} has files that this version does not know: {', '.join(unknown)}")
    files = {name: content for name, content in members.items() if name not in _DOCUMENTS}
    for name in stated.keys() | files.keys():
        if name not in files or hashlib.sha256(files[name]).hexdigest() != stated.get(name):
            raise ModelUnreadable(f"{path.name}: {name} is not the file that its manifest describes")
    return files


def is_decision(value: object) -> bool:
    """Return whether a report may have that decision: KEPT_BASE, or a stage as an engine may call it."""
    return isinstance(value, str) and _DECISION.fullmatch(value) is not None


def _is_file_name(name: str) -> bool:
    return _FILE_NAME.fullmatch(name) is not None and name not in _DOCUMENTS


def _looked_through(path: Path) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the documents, and the checksum of every other file."""
    documents: dict[str, bytes] = {}
    sums: dict[str, str] = {}
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
                    or not (name in _DOCUMENTS or _is_file_name(name))
                    or name in documents
                    or name in sums
                ):
                    raise ModelUnreadable(f"{path.name}: unexpected member {member.name!r}")
                if name in _DOCUMENTS:
                    documents[name] = content.read(MAX_DOCUMENT_BYTES)
                else:
                    sums[name] = _sha256(content)
            _sha256(whole)  # to its end, where gzip's own checksum is, which covers the documents too
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ModelUnreadable(f"{path.name} is not a readable archive: {error}") from error
    return documents, sums


def _sha256(content: IO[bytes] | gzip.GzipFile) -> str:
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _document(path: Path, documents: Mapping[str, bytes], name: str) -> dict[str, Any]:
    try:
        document = json.loads(documents[name])
    except (KeyError, ValueError, RecursionError) as error:
        raise ModelUnreadable(f"{path.name} has no readable {name}") from error
    if not isinstance(document, dict):
        raise ModelUnreadable(f"{path.name} has no readable {name}: it is not an object")
    return document


def _stated_sums(
    path: Path, described: Mapping[str, Any], engine: str, base_version: str
) -> dict[str, object]:
    """Return the checksums that a manifest states, if it is for this engine and base version."""
    stated = described.get("sha256")
    if not isinstance(stated, dict) or "engine" not in described or "base_version" not in described:
        raise ModelUnreadable(f"{path.name} has no readable {MANIFEST_NAME}: it has an unknown form")
    made_for = (described["engine"], described["base_version"])
    if described.get("format") != FORMAT or made_for != (engine, base_version):
        raise ModelUnreadable(
            f"{path.name} was made for {made_for[1]} of the engine {made_for[0]} "
            f"(format {described.get('format')}), not {base_version} of {engine}"
        )
    return stated
