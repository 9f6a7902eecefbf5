"""Operators' commands say which service they would speak to, before they speak to any."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import keys
from infra.local import joining


@pytest.fixture(autouse=True)
def _nothing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ATTUNE_HOME", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))


def test_without_a_service_the_command_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert keys.main(["make"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("attune: No service is named. For that of 'make run' set ATTUNE_HOME=.attune;")
    assert said.err.count("\n") == 1


def test_a_region_names_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert joining.join_if_named()


def test_a_folder_without_a_service_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    assert keys.main(["list"]) == 1
    assert capsys.readouterr().err.startswith(f"attune: No service runs on {tmp_path}.")
