"""Checksums of large files: hashed once, and again when a file has changed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.model.checked_file import check, checksum

CONTENT = b"weights!" * (1 << 17)
WAY_OUT = "install it anew"


def _written(folder: Path, content: bytes = CONTENT) -> Path:
    path = folder / "model.bin"
    path.write_bytes(content)
    return path


def test_a_right_file_is_hashed_once(tmp_path: Path) -> None:
    file, stamps = _written(tmp_path), tmp_path / "stamps"
    check(file, checksum(file), len(CONTENT), WAY_OUT, stamps)
    [stamp] = stamps.iterdir()
    written = stamp.stat().st_mtime_ns
    check(file, checksum(file), len(CONTENT), WAY_OUT, stamps)
    assert stamp.stat().st_mtime_ns == written


def test_a_file_that_has_changed_is_hashed_again(tmp_path: Path) -> None:
    file, stamps = _written(tmp_path), tmp_path / "stamps"
    digest = hashlib.sha256(CONTENT).hexdigest()
    check(file, digest, len(CONTENT), WAY_OUT, stamps)
    file.write_bytes(CONTENT.upper())
    os.utime(file, ns=(1, 1))
    with pytest.raises(ModelUnreadable, match="another file; install it anew"):
        check(file, digest, len(CONTENT), WAY_OUT, stamps)


def test_a_stamp_that_somebody_else_may_have_written_is_worth_nothing(tmp_path: Path) -> None:
    file, stamps = _written(tmp_path), tmp_path / "stamps"
    check(file, checksum(file), len(CONTENT), WAY_OUT, stamps)
    stamps.chmod(0o777)
    [stamp] = stamps.iterdir()
    stamp.write_text(stamp.read_text().replace(checksum(file), "0" * 64))
    stamp.rename(stamp.with_name(stamp.name.replace(checksum(file), "0" * 64)))
    with pytest.raises(ModelUnreadable, match="another file"):
        check(file, "0" * 64, len(CONTENT), WAY_OUT, stamps)


def test_a_small_file_needs_no_stamp(tmp_path: Path) -> None:
    file = _written(tmp_path, b"small")
    check(file, checksum(file), 5, WAY_OUT, tmp_path / "stamps")
    assert not (tmp_path / "stamps").exists()
    with pytest.raises(ModelUnreadable, match="another file"):
        check(file, "0" * 64, 5, WAY_OUT)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="4 bytes, not 7"):
        check(_written(tmp_path, b"weig"), "0" * 64, 7, WAY_OUT)
