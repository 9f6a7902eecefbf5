from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.model.weights import PACKAGE, embedded, in_folder


def test_the_embedded_network_is_found_without_running_its_package() -> None:
    weights = embedded()
    assert (weights.folder / "model.bin").is_file()
    assert PACKAGE not in sys.modules


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
