"""The files of a model: the same for the same parameters, and vouched for by the manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from training_image.model_files import clear_model, plain, write_model

FILES = {"two.bin": b"2", "one.bin": b"1"}


@dataclass(frozen=True)
class Figures:
    """A piece of a report."""

    wer: float
    counts: tuple[np.int64, ...]


def _write(folder: Path, files: dict[str, bytes]) -> None:
    write_model(folder, files, engine="sphinx", base_version="base.v1", report={"decision": "adapted"})


def test_the_manifest_vouches_for_every_file(tmp_path: Path) -> None:
    _write(tmp_path, FILES)
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == FILES
    assert json.loads((tmp_path / "manifest.json").read_text()) == {
        "format": 1,
        "engine": "sphinx",
        "base_version": "base.v1",
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()},
    }


def test_where_the_base_is_kept_there_are_no_parameters(tmp_path: Path) -> None:
    _write(tmp_path, FILES)
    _write(tmp_path, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "report.json"]
    assert json.loads((tmp_path / "manifest.json").read_text())["sha256"] == {}
    clear_model(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_stays_inside_the_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the name of a file"):
        _write(tmp_path / "model", {"../up": b"x"})
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_json_whatever_its_figures_are() -> None:
    figures = Figures(wer=float("nan"), counts=(np.int64(3),))
    assert plain(
        {"figures": figures, 1: np.float32(0.5), "array": np.arange(2), "none": None, "yes": True}
    ) == {
        "figures": {"wer": None, "counts": [3]},
        "1": 0.5,
        "array": [0, 1],
        "none": None,
        "yes": True,
    }
