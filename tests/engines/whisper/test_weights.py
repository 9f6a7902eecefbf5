from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

import pytest

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.weights import PACKAGE, check, embedded, in_folder


def test_the_embedded_network_is_found_without_running_its_package() -> None:
    weights = embedded()
    assert (weights.folder / "model.bin").is_file()
    assert PACKAGE not in sys.modules


def test_a_right_file_is_hashed_once(tmp_path: Path) -> None:
    file, stamps = tmp_path / "model.bin", tmp_path / "stamps"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    check(file, digest, 7, stamps)
    [stamp] = stamps.iterdir()
    written = stamp.stat().st_mtime_ns
    check(file, digest, 7, stamps)
    assert stamp.stat().st_mtime_ns == written


def test_a_file_that_has_changed_is_hashed_again(tmp_path: Path) -> None:
    file, stamps = tmp_path / "model.bin", tmp_path / "stamps"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    check(file, digest, 7, stamps)
    file.write_bytes(b"WEIGHTS")
    os.utime(file, ns=(1, 1))
    with pytest.raises(ModelUnreadable, match="another file"):
        check(file, digest, 7, stamps)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(b"weig")
    with pytest.raises(ModelUnreadable, match="4 bytes, not 7"):
        check(file, "0" * 64, 7, tmp_path)


@pytest.mark.parametrize("missing", ["model.bin", "config.json", "vocabulary"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path: Path, missing: str) -> None:
    for name in ("model.bin", "config.json", "vocabulary.txt"):
        if not name.startswith(missing):
            (tmp_path / name).symlink_to(embedded().folder / name)
    with pytest.raises(ModelUnreadable, match=missing):
        in_folder(tmp_path)


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    for name in ("config.json", "vocabulary.txt"):
        (tmp_path / name).symlink_to(embedded().folder / name)
    (tmp_path / "model.bin").write_bytes((embedded().folder / "model.bin").read_bytes()[:1_000_000])
    with pytest.raises(ModelUnreadable, match="cannot be loaded"):
        WhisperEngine(folder=tmp_path).load("en-US_BroadbandModel")
