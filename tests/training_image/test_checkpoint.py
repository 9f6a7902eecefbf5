"""Checkpoints: whole or not there, whatever happens to the file."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training_image.checkpoint import Checkpoint, write_atomically

ARRAYS = {"counts": np.arange(6, dtype=np.float64).reshape(2, 3), "names": np.array(["one", "two"])}


@pytest.fixture(scope="module")
def saved() -> Iterator[tuple[Checkpoint, Path, bytes]]:
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), "plan 1")
        checkpoint.save("round-1", ARRAYS)
        path = Path(folder) / "round-1.ckpt"
        yield checkpoint, path, path.read_bytes()


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Checkpoint(tmp_path / "new", "plan"))).save("round-1.shard-3", ARRAYS)
    loaded = Checkpoint(tmp_path / "new", "plan").load("round-1.shard-3")
    assert loaded is not None
    assert set(loaded) == set(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(loaded[name], array)
        assert loaded[name].dtype == array.dtype


def test_a_later_save_replaces_an_earlier_one(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "plan")
    checkpoint.save("a", {"x": np.zeros(3)})
    checkpoint.save("a", {"x": np.ones(2)})
    loaded = checkpoint.load("a")
    assert loaded is not None
    np.testing.assert_array_equal(loaded["x"], np.ones(2))
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_another_owner_sees_nothing(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "plan 1").save("a", ARRAYS)
    assert Checkpoint(tmp_path, "plan 2").load("a") is None
    assert Checkpoint(tmp_path, "plan 1").load("b") is None


def test_what_cannot_be_relied_on_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    checkpoint = Checkpoint(tmp_path, "plan 1")
    assert checkpoint.load("a") is None
    assert caplog.messages == []
    checkpoint.save("a", ARRAYS)
    assert Checkpoint(tmp_path, "plan 2").load("a") is None
    (tmp_path / "a.ckpt").write_bytes((tmp_path / "a.ckpt").read_bytes()[:-1])
    assert checkpoint.load("a") is None
    assert caplog.messages == [
        "the checkpoint a is of another job or program, and its part starts over",
        "the checkpoint a is damaged, and its part starts over",
    ]


@settings(deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_reads_as_nothing(
    saved: tuple[Checkpoint, Path, bytes], data: st.DataObject
) -> None:
    checkpoint, path, whole = saved
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    assert checkpoint.load("round-1") is None


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_byte_reads_as_nothing(saved: tuple[Checkpoint, Path, bytes], data: st.DataObject) -> None:
    checkpoint, path, whole = saved
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(damaged)
    assert checkpoint.load("round-1") is None


@settings(deadline=None)
@given(content=st.binary(max_size=300))
def test_any_other_file_reads_as_nothing(saved: tuple[Checkpoint, Path, bytes], content: bytes) -> None:
    checkpoint, path, _ = saved
    path.write_bytes(content)
    assert checkpoint.load("round-1") is None


def test_python_objects_are_refused(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "plan")
    with pytest.raises(ValueError, match="Object arrays"):
        checkpoint.save("a", {"x": np.array([object()])})
    assert checkpoint.load("a") is None


@pytest.mark.parametrize("name", ["", ".", "../a", "a/b", ".hidden", "a\n", "a" * 300])
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a checkpoint name"):
        Checkpoint(tmp_path, "plan").save(name, ARRAYS)


def test_what_a_killed_job_left_half_written_is_cleared(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path, "plan")
    checkpoint.save("a", ARRAYS)
    (tmp_path / ".a.ckpt-x.partial").write_bytes(b"half")
    checkpoint.clear_partial()
    assert [path.name for path in tmp_path.iterdir()] == ["a.ckpt"]


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_atomically(tmp_path / "taken", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
