"""The audio that somebody tries the service with."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import soundfile

from infra.local import sample
from infra.local.demo.prompts import Prompt


def test_ten_minutes_to_learn_from_and_a_call_that_is_not_among_them(
    tmp_path: Path, prompts: list[Prompt]
) -> None:
    said = sample.write(tmp_path, prompts)
    assert [line.split(":")[0] for line in said] == ["call.wav", "calls.zip"]
    with zipfile.ZipFile(tmp_path / "calls.zip") as archive:
        recordings = [archive.read(name) for name in archive.namelist()]
    assert (tmp_path / "call.wav").read_bytes() not in recordings
    audio_s = sum(soundfile.info(io.BytesIO(one)).duration for one in recordings)
    assert 600 < audio_s < 660


def test_what_is_there_is_kept(tmp_path: Path, prompts: list[Prompt]) -> None:
    (tmp_path / "call.wav").write_bytes(b"mine")
    (tmp_path / "calls.zip").write_bytes(b"mine")
    assert all("is there already" in line for line in sample.write(tmp_path, prompts))
    assert (tmp_path / "call.wav").read_bytes() == (tmp_path / "calls.zip").read_bytes() == b"mine"


def test_a_pause_is_explained_before_it_comes(
    tmp_path: Path, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said_before = []

    def fetched(_: Path) -> list[Prompt]:
        said_before.append(capsys.readouterr().out)
        return prompts

    (tmp_path / "call.wav").write_bytes(b"mine")
    (tmp_path / "calls.zip").write_bytes(b"mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sample, "fetch_prompts", fetched)
    assert sample.main() == 0
    assert said_before == [
        "Fetching recorded telephone prompts, and putting noise over them: up to a minute ...\n"
    ]
