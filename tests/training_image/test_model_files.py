"""The files of a model: the same for the same parameters, and vouched for by the manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training_image.model_files import clear_model, plain, write_model

ARRAYS = {"variances": np.ones((2, 3), np.float32), "means": np.zeros((2, 3), np.float32)}


@dataclass(frozen=True)
class Figures:
    """A piece of a report."""

    wer: float
    counts: tuple[np.int64, ...]


def _write(folder: Path, *, arrays: dict[str, np.ndarray] | None) -> None:
    write_model(folder, arrays, engine="sphinx", base_version="base.v1", report={"decision": "adapted"})


def test_the_same_parameters_give_the_same_bytes(tmp_path: Path) -> None:
    _write(tmp_path / "one", arrays=ARRAYS)
    _write(tmp_path / "two", arrays=dict(reversed(ARRAYS.items())))
    content = (tmp_path / "one" / "adapted.npz").read_bytes()
    assert (tmp_path / "two" / "adapted.npz").read_bytes() == content
    manifest = json.loads((tmp_path / "one" / "manifest.json").read_text())
    assert manifest == {
        "format": 1,
        "engine": "sphinx",
        "base_version": "base.v1",
        "sha256": {"adapted.npz": hashlib.sha256(content).hexdigest()},
    }
    with np.load(tmp_path / "one" / "adapted.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["variances"], ARRAYS["variances"])


def test_where_the_base_is_kept_there_are_no_parameters(tmp_path: Path) -> None:
    _write(tmp_path, arrays=ARRAYS)
    _write(tmp_path, arrays=None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", "report.json"]
    assert json.loads((tmp_path / "manifest.json").read_text())["sha256"] == {}
    clear_model(tmp_path)
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
