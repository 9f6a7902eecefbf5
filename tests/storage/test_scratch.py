from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.storage import scratch


@pytest.fixture(autouse=True)
def _temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    scratch._clear_what_was_left.cache_clear()
    yield
    scratch._clear_what_was_left.cache_clear()


def test_a_folder_is_gone_when_it_is_left(tmp_path: Path) -> None:
    with scratch.folder() as folder:
        Path(folder, "audio").write_bytes(b"RIFF")
    assert list(tmp_path.iterdir()) == []


def test_in_lambda_what_a_killed_call_left_is_removed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "recognize")
    left = tmp_path / "attune-work-left"
    left.mkdir()
    (left / "audio").write_bytes(b"RIFF")
    (tmp_path / "attune-models-0").mkdir()
    with scratch.folder() as one, scratch.folder() as other:
        assert not left.exists()
        assert Path(one).exists()
        assert Path(other).exists()
        assert (tmp_path / "attune-models-0").exists()


def test_elsewhere_the_folders_of_other_processes_stay(tmp_path: Path) -> None:
    (tmp_path / "attune-work-other").mkdir()
    with scratch.folder():
        assert (tmp_path / "attune-work-other").exists()
