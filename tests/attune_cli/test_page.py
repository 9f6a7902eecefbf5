"""Every command of docs/cli.md is typed as it stands there, in order, by one reader."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import soundfile

from attune_cli.__main__ import attune as command_line
from attune_cli.errors import ExitStatus
from infra.local.demo.prompts import Prompt
from tests.attune_cli.conftest import MakeKey
from tests.audio.archives.packing import zipped
from tests.contract.test_curl_examples import sparse_speech
from tests.running_service import ROOT, RunningService

PAGE = (ROOT / "docs" / "cli.md").read_text()
SECTIONS = {
    part.partition("\n")[0]: re.findall(r"^```sh\n(.*?)^```$", part, re.MULTILINE | re.DOTALL)
    for part in PAGE.split("\n## ")[1:]
}


@pytest.fixture
def desk(service: RunningService, make_key: MakeKey, prompts: list[Prompt], tmp_path: Path) -> Path:
    """A folder with what the page takes for granted: recordings, an account of Watson, and `attune` on the path."""
    longer = [prompt for prompt in prompts if prompt.duration_s > 3]
    for name in ("calls", "tests", "recordings", "texts", "bin", ".attune"):
        (tmp_path / name).mkdir()
    for number in range(4):
        wide = sparse_speech(longer[number : number + 1], 1, 155)
        soundfile.write(tmp_path / "calls" / f"{number}.wav", wide[::2], 8_000, subtype="PCM_16")
    members = {path.name: path.read_bytes() for path in sorted((tmp_path / "calls").iterdir())}
    (tmp_path / "calls.zip").write_bytes(zipped(members))
    shutil.rmtree(tmp_path / "calls")
    (tmp_path / "calls").mkdir()
    shutil.copy(longer[93].path, tmp_path / "calls")
    for number in range(2):
        shutil.copy(longer[90 + number].path, tmp_path / "tests" / f"{number}.wav")
        (tmp_path / "tests" / f"{number}.txt").write_text(longer[90 + number].text)
    for name in ("call.wav", "other.wav"):
        shutil.copy(longer[90].path, tmp_path / name)
    samples, _ = soundfile.read(longer[91].path, dtype="int16")
    (tmp_path / "line.raw").write_bytes(samples.tobytes())
    (tmp_path / "monday.zip").write_bytes(zipped({"a.wav": longer[92].path.read_bytes()}))
    (tmp_path / ".attune" / "api-key").write_text(make_key("--administrator"))
    watson = {"name": "Watson's", "base_model_name": "en-US_NarrowbandModel"}
    answer = requests.post(
        f"{service.url}/v1/acoustic_customizations", json=watson, auth=("apikey", service.key), timeout=60
    )
    assert answer.ok
    (tmp_path / "bin" / "attune").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m attune_cli "$@"\n')
    (tmp_path / "bin" / "attune").chmod(0o755)
    return tmp_path


@pytest.mark.slow
def test_the_page_works_from_top_to_bottom(service: RunningService, desk: Path) -> None:
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ATTUNE_"))}
    environment = outside | {
        "PATH": f"{desk / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "ATTUNE_CONFIG": str(desk / "config"),
        "ATTUNE_SERVICE": str(ROOT),
        "ATTUNE_HOME": str(service.home),
    }
    told: dict[str, str] = {}
    for section, blocks in SECTIONS.items():
        for block in blocks:
            text = (
                block.replace("http://127.0.0.1:8080", service.url)
                .replace(
                    "https://api.us-south.speech-to-text.watson.cloud.ibm.com/instances/4b…", service.url
                )
                .replace("WATSON_API_KEY=…", f"WATSON_API_KEY={service.key}")
            )
            done = subprocess.run(
                ["bash", "-e", "-c", text],
                cwd=desk,
                env=environment,
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            told[section] = told.get(section, "") + done.stdout
    first = told["From recordings to a trained model"]
    assert "'Front desk' is trained." in first
    assert first.splitlines()[-1].strip(), "the recording was not recognised"
    assert "mobile client" in told["Keys"]
    assert (desk / "captions" / "call.srt").read_text().startswith("1\n00:00:")
    assert "Watson's" in (desk / "watson-import.md").read_text()
    assert (desk / "attune-completion").stat().st_size > 100


def test_the_readme_shows_the_same_first_steps() -> None:
    (first,) = SECTIONS["From recordings to a trained model"]
    assert first in (ROOT / "README.md").read_text()


def test_every_command_is_on_the_page() -> None:
    table = PAGE.partition("| command |")[2].partition("\n\n")[0]
    told = set(re.findall(r"`([a-z-]+)", table))
    assert told == set(command_line.commands) - {"completion"}
    assert "attune completion" in PAGE


def test_every_exit_status_is_on_the_page() -> None:
    table = PAGE.partition("| exit status |")[2].partition("\n\n")[0]
    assert [int(status) for status in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == list(ExitStatus)
