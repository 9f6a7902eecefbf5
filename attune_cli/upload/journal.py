"""What was sent to a model from this machine, file by file, so that a second run goes on from there."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from attune_cli import configuration
from attune_cli.upload.parcels import Parcel
from attune_cli.upload.recordings import RecordingFile


@dataclass(frozen=True)
class JournalEntry:
    """One file.

    Attributes:
        size_bytes: of what was sent.
        modified_ns: of what was sent.
        resource: the audio resource that it is, or is in.
        packed: whether that is an archive which this command made.
        name: of it in an archive.
        refused: why the service cannot use it; empty: it can, or has not said yet.
    """

    size_bytes: int
    modified_ns: int
    resource: str
    packed: bool
    name: str
    refused: str = ""

    def is_of(self, recording: RecordingFile) -> bool:
        """Tell whether the file is still what was sent."""
        return (self.size_bytes, self.modified_ns) == (recording.size_bytes, recording.modified_ns)


class UploadJournal:
    """The entries of one model, kept with this command's own files; usable from several threads."""

    def __init__(self, url: str, customization_id: str) -> None:
        digest = hashlib.sha256(f"{url}\n{customization_id}".encode()).hexdigest()[:20]
        self._path: Path = configuration.folder() / "uploads" / f"{digest}.json"
        self._lock = threading.Lock()
        try:
            kept = json.loads(self._path.read_text())
            self._entries = {file: JournalEntry(**fields) for file, fields in kept.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            self._entries = {}  # then the service alone knows what it has
        self._by_content = {
            (Path(file).name, entry.size_bytes, entry.modified_ns): entry
            for file, entry in self._entries.items()
        }
        taken = [entry for entry in self._entries.values() if not entry.refused]
        self._names = {name for entry in taken for name in (entry.name, entry.resource)}

    def of(self, recording: RecordingFile) -> JournalEntry | None:
        """Return what is known of a file, also when it was moved since."""
        found = self._entries.get(key(recording))
        return found if found is not None else self._by_content.get(_content(recording))

    def files_in(self, resource: str) -> set[str]:
        """Return the files that were sent as or in a resource, as `key` names them."""
        return {file for file, entry in self._entries.items() if entry.resource == resource}

    def is_others(self, recording: RecordingFile, resource: str) -> bool:
        """Tell whether its name, in an archive or as a resource, is that of another file sent from here."""
        return recording.name in self._names or resource in self._names

    def single(self) -> set[str]:
        """Return the names of resources that are one file each."""
        return {entry.resource for entry in self._entries.values() if not entry.packed and not entry.refused}

    def planned(self, parcels: Iterable[Parcel]) -> None:
        """Note in which resource each file is going to be."""
        with self._lock:
            for parcel in parcels:
                for one in parcel.recordings:
                    self._entries[key(one)] = JournalEntry(
                        one.size_bytes,
                        one.modified_ns,
                        parcel.name,
                        parcel.packed or one.is_archive,
                        one.name,
                    )
            self._keep()

    def refused(self, recordings: Iterable[tuple[RecordingFile, str]], resource: str) -> None:
        """Note why the service cannot use files."""
        with self._lock:
            for one, reason in recordings:
                self._entries[key(one)] = JournalEntry(
                    one.size_bytes, one.modified_ns, resource, False, one.name, reason
                )
            self._keep()

    def _keep(self) -> None:
        document = {file: asdict(entry) for file, entry in self._entries.items()}
        configuration.write_private(self._path, document)


def key(recording: RecordingFile) -> str:
    """Return what a file is called in the journal."""
    return (
        str(recording.file.absolute()).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    )


def _content(recording: RecordingFile) -> tuple[str, int, int]:
    return Path(key(recording)).name, recording.size_bytes, recording.modified_ns
