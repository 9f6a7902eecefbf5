"""A model as one file: a gzipped tar of few members, with a manifest that vouches for them by checksum."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

MANIFEST_NAME = "manifest.json"
_MAX_MEMBERS = 16


class ArchiveUnreadable(Exception):
    """The file is damaged, too large, or not what its manifest describes."""


def read_members(path: Path, bounds: Mapping[str, int], max_unpacked_bytes: int) -> dict[str, bytes]:
    """Return the members that `bounds` names, each with at most so many bytes; others are passed over.

    Nothing of the archive touches the disk.

    Raises:
        ArchiveUnreadable: no such archive, or larger than it may be.
    """
    found: dict[str, bytes] = {}
    try:
        with (
            gzip.open(path) as unpacked,
            io.BufferedReader(_Bounded(unpacked, max_unpacked_bytes)) as bounded,
            tarfile.open(fileobj=bounded, mode="r|") as archive,
        ):
            for count, member in enumerate(archive):
                if count >= _MAX_MEMBERS:
                    raise ArchiveUnreadable(f"{path.name} has more than {_MAX_MEMBERS} members")
                name = member.name.removeprefix("./")
                if name not in bounds or not member.isreg():
                    continue
                if name in found or member.size > bounds[name]:
                    raise ArchiveUnreadable(f"{path.name}: {name} is too large or there twice")
                file = archive.extractfile(member)
                found[name] = file.read() if file is not None else b""
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise ArchiveUnreadable(f"{path.name} is not a readable model archive: {error}") from error
    return found


def write_sealed(path: Path, members: Mapping[str, bytes], described: Mapping[str, object]) -> None:
    """Write members with a manifest; the same content gives the same bytes."""
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}
    manifest = json.dumps({**described, "sha256": sums}, sort_keys=True).encode()
    with (
        path.open("wb") as file,
        # Packed trigrams hardly shrink: more than the quickest effort is time lost.
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|") as archive,
    ):
        for name, content in {MANIFEST_NAME: manifest, **members}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def read_sealed(
    path: Path, bounds: Mapping[str, int], max_unpacked_bytes: int
) -> tuple[dict[str, object], dict[str, bytes]]:
    """Return what the manifest describes, and the members, each of them vouched for.

    Raises:
        ArchiveUnreadable: as `read_members`, or a member is not the one that the manifest describes.
    """
    members = read_members(path, {**bounds, MANIFEST_NAME: 1 << 20}, max_unpacked_bytes)
    try:
        described: dict[str, object] = json.loads(members.pop(MANIFEST_NAME))
        sums = described["sha256"]
        expected = dict(sums) if isinstance(sums, dict) else None
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveUnreadable(f"{path.name} has no readable {MANIFEST_NAME}") from error
    if expected != {name: hashlib.sha256(content).hexdigest() for name, content in members.items()}:
        raise ArchiveUnreadable(f"{path.name} does not hold the files that its manifest describes")
    return described, members


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than a model can hold."""

    def __init__(self, stream: gzip.GzipFile, max_bytes: int) -> None:
        self._stream = stream
        self._max_bytes = self._left_bytes = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        content = self._stream.read(len(buffer))
        self._left_bytes -= len(content)
        if self._left_bytes < 0:
            raise ArchiveUnreadable(f"the model unpacks to more than {self._max_bytes >> 20} MB")
        buffer[: len(content)] = content
        return len(content)
