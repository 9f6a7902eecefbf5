"""What is sent in one request: a recording, an archive, or many recordings packed into a zip."""

from __future__ import annotations

import hashlib
import re
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from attune_cli.upload.recordings import LARGEST_BYTES, LONGEST_NAME, RecordingFile

PACK_BYTES = 48_000_000
"""Of recordings in one archive: enough to make requests cheap, little enough to send again."""
PACK_MEMBERS = 5_000
PACKED_FROM = 20
"""So many recordings or more are packed, unless the user says otherwise."""
_READ_BYTES = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The same files make the same archive, whenever it is packed."""
_ENTRY_BYTES = 400
_SELF_DESCRIBING = frozenset({"audio/wav", "audio/flac", "audio/ogg", "audio/webm", "audio/mpeg"})


class Changed(Exception):
    """A file has changed while it was sent; the text names it."""


@dataclass(frozen=True)
class Parcel:
    """One resource on its way.

    Attributes:
        name: of the audio resource.
        recordings: what it holds; several, or one with `packed`, are members of a zip.
        packed: whether it is a zip that this command makes.
        contained: the content type of all members of the user's own archive; empty: they tell themselves.
        replaces: whether it takes the place of a resource of the same name.
    """

    name: str
    recordings: tuple[RecordingFile, ...]
    packed: bool
    contained: str = ""
    replaces: bool = False

    @property
    def size_bytes(self) -> int:
        """About how much is sent."""
        return sum(one.size_bytes for one in self.recordings)

    @property
    def headers(self) -> dict[str, str]:
        """What says how to read it."""
        inner = self.recordings[0].content_type
        if self.packed:
            contained = "" if inner in _SELF_DESCRIBING else inner
            return {"Content-Type": "application/zip"} | (
                {"Contained-Content-Type": contained} if contained else {}
            )
        return {"Content-Type": inner} | (
            {"Contained-Content-Type": self.contained} if self.contained else {}
        )

    @contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """Open what is sent; packing it, if it is packed, into a file that goes when it is closed.

        Raises:
            Changed: a file is not what it was when it was found.
        """
        if not self.packed:
            with self.recordings[0].file.open("rb") as file:
                yield file
            return
        with tempfile.TemporaryFile() as archive:
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
                for one in self.recordings:
                    packed.writestr(zipfile.ZipInfo(one.name, _EPOCH), _content(one))
            archive.seek(0)
            yield archive


class FileBody:
    """Bytes of a file, counted as they are sent; `requests` asks for its length and then reads."""

    def __init__(self, file: IO[bytes], sent: Callable[[int], None]) -> None:
        self._file = file
        self._sent = sent
        file.seek(0, 2)
        self._left = file.tell()
        file.seek(0)

    def __len__(self) -> int:
        return self._left

    def __iter__(self) -> Iterator[bytes]:
        while block := self.read(_READ_BYTES):
            yield block

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, a megabyte at most: the transport asks for too few at once."""
        block = self._file.read(_READ_BYTES if size < 0 else max(size, 1 << 16))
        self._sent(len(block))
        return block


def packed(
    recordings: Sequence[RecordingFile],
    *,
    pack: bool | None,
    of_archives: str = "",
    taken: Collection[str] = (),
) -> list[Parcel]:
    """Divide recordings into what is sent.

    Args:
        recordings: in order.
        pack: whether recordings go into archives; None: if they are many.
        of_archives: the content type of all members of the user's own archives, where they need one.
        taken: names of resources that are other files.
    """
    single = [one for one in recordings if not one.is_archive]
    parcels = [Parcel(resource_name(one), (one,), False, of_archives) for one in recordings if one.is_archive]
    if pack is False or (pack is None and len(single) < PACKED_FROM):
        return _distinct(
            parcels + [Parcel(resource_name(one), (one,), packed=False) for one in single], taken
        )
    for describing in (True, False):
        alike = [one for one in single if (one.content_type in _SELF_DESCRIBING) is describing]
        parcels += [Parcel(_archive_name(group), tuple(group), packed=True) for group in _groups(alike)]
    return _distinct(parcels, taken)


def without(parcel: Parcel, names: set[str]) -> Parcel | None:
    """Return a packed parcel without some of its members; None: nothing is left."""
    left = [one for one in parcel.recordings if one.name not in names]
    return Parcel(_archive_name(left), tuple(left), packed=True) if left else None


def _groups(recordings: list[RecordingFile]) -> Iterator[list[RecordingFile]]:
    group: list[RecordingFile] = []
    taken_bytes = 0
    for one in recordings:
        cost_bytes = one.size_bytes + _ENTRY_BYTES
        if group and (taken_bytes + cost_bytes > PACK_BYTES or len(group) >= PACK_MEMBERS):
            yield group
            group, taken_bytes = [], 0
        if cost_bytes + 1_000 > LARGEST_BYTES:
            yield [one]
            continue
        group.append(one)
        taken_bytes += cost_bytes
    if group:
        yield group


def _archive_name(group: list[RecordingFile]) -> str:
    """Return a name that says what is inside: the same files make the same one each time."""
    digest = hashlib.sha256()
    for one in group:
        digest.update(f"{one.name}\0{one.size_bytes}\0{one.modified_ns}\n".encode())
    folder = group[0].name.rpartition("/")[0].partition("/")[0] or Path(group[0].file).absolute().parent.name
    return f"{_plain(folder)[:80] or 'recordings'}-{digest.hexdigest()[:10]}"


def resource_name(one: RecordingFile) -> str:
    """Return what a recording or an archive is called as a resource by itself."""
    name = one.name.rpartition("/")[2]
    if one.is_archive:
        name = re.sub(r"\.(zip|tgz|tar\.gz|gz)$", "", name, flags=re.IGNORECASE)
    return _plain(name)[:LONGEST_NAME] or "recording"


def _plain(name: str) -> str:
    return re.sub(r"[^\w.\- ]", "_", name).strip()


def _distinct(parcels: list[Parcel], taken: Collection[str]) -> list[Parcel]:
    """Give those whose name is taken another one, the same each time."""
    names = set(taken)
    done = []
    for parcel in parcels:
        name = parcel.name
        if name in names:
            file = str(parcel.recordings[0].file.absolute()).encode("utf-8", "surrogateescape")
            digest = hashlib.sha256(file).hexdigest()[:10]
            name = f"{name[:100]}-{digest}"
        names.add(name)
        done.append(replace(parcel, name=name))
    return done


def _content(one: RecordingFile) -> bytes:
    try:
        content = one.file.read_bytes()
    except OSError as error:
        raise Changed(f"{one.file} cannot be read any more ({error.strerror})") from None
    if len(content) != one.size_bytes:
        raise Changed(f"{one.file} has changed since it was found")
    return content
