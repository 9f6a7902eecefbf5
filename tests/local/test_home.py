"""The folder of one service."""

from __future__ import annotations

from pathlib import Path

from infra.local.home import Home


def test_what_a_killed_service_worked_on_is_removed_and_models_stay(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.clear_temporary()
    for name in ("attune-work-1", "tmp2", "attune-models-0"):
        (home.temporary / name).mkdir()
        (home.temporary / name / "file").write_bytes(b"RIFF")
    (home.temporary / "tmp3").write_bytes(b"RIFF")
    home.clear_temporary()
    assert [path.name for path in home.temporary.iterdir()] == ["attune-models-0"]
    assert (home.temporary / "attune-models-0/file").exists()
    assert home.temporary.stat().st_mode & 0o077 == 0
