"""Models' files on disk: within a budget, least recently used first, never one that somebody holds."""

from __future__ import annotations

import gc
import multiprocessing
import os
import shutil
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from chalicelib.engines import model_cache
from chalicelib.engines.model_cache import HeldFile


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "MOST_BYTES", 250)


def _kept(path: Path, size_bytes: int = 100) -> HeldFile:
    def write(part: Path) -> None:
        part.write_bytes(bytes(size_bytes))

    return model_cache.kept(path, write)


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_the_files_used_longest_ago_go(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert _kept(tmp_path / name).path.stat().st_size == 100
    for name, used_s in (("a", 2000), ("b", 1000)):
        os.utime(tmp_path / name, (used_s, 500))
    _kept(tmp_path / "c")
    assert _names(tmp_path) == {"a", "c"}


def test_use_counts_and_modification_stays(tmp_path: Path) -> None:
    _kept(tmp_path / "a")
    _kept(tmp_path / "b")
    os.utime(tmp_path / "a", (1000, 500))
    os.utime(tmp_path / "b", (2000, 500))
    found = _kept(tmp_path / "a").path.stat()
    assert (found.st_mtime, found.st_atime > 2000) == (500, True)
    _kept(tmp_path / "c")
    assert _names(tmp_path) == {"a", "c"}


def test_what_is_held_stays(tmp_path: Path) -> None:
    held = [_kept(tmp_path / name) for name in ("a", "b", "c")]
    assert _names(tmp_path) == {"a", "b", "c"}, "over the budget, but all of them are needed"
    os.utime(tmp_path / "a", (1000, 500))
    del held[1:]
    gc.collect()
    held.append(_kept(tmp_path / "d"))
    assert len(_names(tmp_path)) == 2
    assert {"a", "d"} == _names(tmp_path)


def _hold(path: Path, is_held: Event, done: Event) -> None:
    held = model_cache.hold(path)
    is_held.set()
    done.wait(60)
    del held


def test_what_another_process_holds_stays_until_it_ends(tmp_path: Path) -> None:
    spawning = multiprocessing.get_context("spawn")
    is_held, done = spawning.Event(), spawning.Event()
    _kept(tmp_path / "a", 200)
    other = spawning.Process(target=_hold, args=(tmp_path / "a", is_held, done))
    other.start()
    try:
        assert is_held.wait(60)
        os.utime(tmp_path / "a", (1000, 500))
        _kept(tmp_path / "b")
        assert _names(tmp_path) == {"a", "b"}
    finally:
        other.kill()
        other.join()
    _kept(tmp_path / "c")
    assert _names(tmp_path) == {"b", "c"}


def test_what_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        model_cache.kept(tmp_path / "a", fail)
    assert _names(tmp_path) == set()


def test_parts_of_a_process_that_died_go(tmp_path: Path) -> None:
    for name, age in (("old.part", 1000), ("new.part", None)):
        (tmp_path / name).write_bytes(b"half")
        if age is not None:
            os.utime(tmp_path / name, (age, age))
    _kept(tmp_path / "a")
    assert _names(tmp_path) == {"a", "new.part"}


def test_a_small_disk_keeps_room_for_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_cache, "MOST_BYTES", 1 << 30)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(total=512 << 20))
    assert model_cache.budget_bytes(tmp_path) == 128 << 20
