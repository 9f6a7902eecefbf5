"""The bucket on disk: immutable blobs, and a journalled index that says which object they make up."""

from __future__ import annotations

import bisect
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from infra.local.store.journal import Record


@dataclass(frozen=True)
class BlobPart:
    """A stretch of an object's bytes: one file of the blob folder."""

    blob: str
    size_bytes: int
    md5: str


@dataclass(frozen=True)
class StoredObject:
    """An object as it was committed."""

    key: str
    parts: tuple[BlobPart, ...]
    etag: str
    modified_s: float
    """Unix time of the commit."""
    headers: dict[str, str]
    """`content-type`, `x-amz-meta-*` and the like, as they are answered."""

    @property
    def size_bytes(self) -> int:
        """Length of the whole object."""
        return sum(part.size_bytes for part in self.parts)


@dataclass
class StoredBucket:
    """The objects of one bucket, and their keys in order."""

    objects: dict[str, StoredObject] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)

    def put(self, stored: StoredObject) -> StoredObject | None:
        """Store an object and return the one that it replaces."""
        former = self.objects.get(stored.key)
        if former is None:
            bisect.insort(self.keys, stored.key)
        self.objects[stored.key] = stored
        return former

    def remove(self, key: str) -> StoredObject | None:
        """Forget an object and return it."""
        former = self.objects.pop(key, None)
        if former is not None:
            del self.keys[bisect.bisect_left(self.keys, key)]
        return former

    def below(self, prefix: str, after: str) -> Iterator[str]:
        """Yield the keys with that prefix, in order, behind the key `after`."""
        start = max(
            bisect.bisect_left(self.keys, prefix), bisect.bisect_right(self.keys, after) if after else 0
        )
        for key in self.keys[start:]:
            if not key.startswith(prefix):
                return
            yield key


class Blobs:
    """The folder of blobs. A blob is written once, made durable, and never changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)

    def new(self) -> str:
        """Return the name of a blob that does not exist yet."""
        return uuid.uuid4().hex

    def path(self, blob: str) -> Path:
        """Return where a blob lies."""
        return self._folder / blob

    def sync(self, file_descriptor: int) -> None:
        """Make a freshly written blob and its name durable."""
        os.fdatasync(file_descriptor)
        os.fsync(self._descriptor)

    def link(self, blob: str) -> str:
        """Return another name for the same bytes."""
        copy = self.new()
        os.link(self.path(blob), self.path(copy))
        os.fsync(self._descriptor)
        return copy

    def remove(self, *blobs: str) -> None:
        """Delete blobs; readers that have them open go on reading."""
        for blob in blobs:
            self.path(blob).unlink(missing_ok=True)

    def remove_all_but(self, wanted: set[str]) -> None:
        """Delete what no object is made of: uploads that were cut short."""
        for entry in os.scandir(self._folder):
            if entry.name not in wanted:
                self.path(entry.name).unlink(missing_ok=True)


class Objects:
    """All buckets. Changes come with the record that makes them durable."""

    def __init__(self, folder: Path) -> None:
        self.blobs = Blobs(folder)
        self.buckets: dict[str, StoredBucket] = {}

    def create_bucket(self, name: str) -> Record:
        """Make a bucket, unless it exists."""
        self.buckets.setdefault(name, StoredBucket())
        return {"bucket": name}

    def put(
        self, bucket: str, key: str, parts: tuple[BlobPart, ...], etag: str, headers: dict[str, str]
    ) -> Record:
        """Commit an object made of durable blobs; the record names the blobs that are unused from now on."""
        stored = StoredObject(key, parts, etag, time.time(), headers)
        former = self.buckets[bucket].put(stored)
        return {"put": asdict(stored), "in": bucket, "unused": _blob_names(former)}

    def remove(self, bucket: str, keys: list[str]) -> Record:
        """Forget objects; those that are not there are no error."""
        former = [self.buckets[bucket].remove(key) for key in keys]
        return {
            "removed": keys,
            "in": bucket,
            "unused": [name for one in former for name in _blob_names(one)],
        }

    def replay(self, record: Record) -> None:
        """Apply a record of an earlier run."""
        if "bucket" in record:
            self.create_bucket(record["bucket"])
        elif "put" in record:
            self.buckets[record["in"]].put(_stored(record["put"]))
        else:
            for key in record["removed"]:
                self.buckets[record["in"]].remove(key)

    def snapshot(self) -> Iterator[Record]:
        """Yield the records that make the present state."""
        for name, bucket in self.buckets.items():
            yield {"bucket": name}
            for key in bucket.keys:
                yield {"put": asdict(bucket.objects[key]), "in": name, "unused": []}

    def remove_orphans(self) -> None:
        """Delete the blobs that belong to no object."""
        stored = (one for bucket in self.buckets.values() for one in bucket.objects.values())
        self.blobs.remove_all_but({name for one in stored for name in _blob_names(one)})


def _blob_names(stored: StoredObject | None) -> list[str]:
    return [part.blob for part in stored.parts] if stored else []


def _stored(fields: dict[str, Any]) -> StoredObject:
    parts = tuple(BlobPart(**part) for part in fields["parts"])
    return StoredObject(**{**fields, "parts": parts})
