"""The bucket: bytes in, bytes out."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from chalicelib.storage import objects
from chalicelib.storage.objects import ObjectNotFound

pytestmark = pytest.mark.usefixtures("account")


@pytest.fixture
def prefix() -> str:
    return f"test/{uuid.uuid4()}/"


def test_bytes_come_back(prefix: str) -> None:
    key = f"{prefix}a b/ü"
    objects.put(key, b"\x00\xff")
    assert objects.get(key) == b"\x00\xff"
    assert objects.exists(key)
    with objects.open_stream(key) as stream:
        assert (stream.read(1), stream.read()) == (b"\x00", b"\xff")


def test_what_is_not_there_is_said_so(prefix: str, tmp_path: Path) -> None:
    key = f"{prefix}missing"
    assert not objects.exists(key)
    for attempt in (objects.get, objects.open_stream):
        with pytest.raises(ObjectNotFound):
            attempt(key)
    with pytest.raises(ObjectNotFound):
        objects.download(key, tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
    objects.delete(key)


def test_files_go_up_and_down(prefix: str, tmp_path: Path) -> None:
    data = bytes(range(256)) * 40_000  # more than one part
    (tmp_path / "up").write_bytes(data)
    objects.upload(tmp_path / "up", f"{prefix}file")
    objects.download(f"{prefix}file", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == data


def test_a_copy_is_independent(prefix: str) -> None:
    objects.put(f"{prefix}a", b"1")
    objects.copy(f"{prefix}a", f"{prefix}b")
    objects.delete(f"{prefix}a")
    assert objects.get(f"{prefix}b") == b"1"


def test_more_objects_than_one_request_takes(prefix: str) -> None:
    keys = [f"{prefix}{number:04d}" for number in range(1003)]
    for key in keys:
        objects.put(key, b"")
    assert list(objects.keys(prefix)) == keys
    neighbour = f"{prefix.rstrip('/')}-neighbour"
    objects.put(neighbour, b"")
    objects.delete_below(prefix)
    assert list(objects.keys(prefix)) == []
    assert objects.exists(neighbour)


def test_a_listing_goes_on_where_it_stopped(prefix: str) -> None:
    for name in "abcd":
        objects.put(prefix + name, b"")
    first = objects.listing(prefix, after="", at_most=3)
    assert [entry.key for entry in first] == [prefix + name for name in "abc"]
    assert first[0].modified.tzinfo is not None
    rest = objects.listing(prefix, after=first[-1].key, at_most=3)
    assert [entry.key for entry in rest] == [f"{prefix}d"]
    assert objects.listing(prefix, after=rest[-1].key, at_most=3) == []
