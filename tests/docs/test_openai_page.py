"""The page about OpenAI's API, and the command that makes subtitles: typed as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.demo.prompts import Prompt
from tests.docs.test_commands import FENCE, Reader
from tests.running_service import ROOT, RunningService

PAGE = (ROOT / "docs" / "openai.md").read_text()


@pytest.fixture
def reader(service: RunningService, prompt_named: dict[str, Prompt], tmp_path: Path) -> Reader:
    (tmp_path / "call.wav").write_bytes(prompt_named["conf-invalid"].path.read_bytes())
    return Reader(service, tmp_path)


def test_the_commands_print_text_and_subtitles(reader: Reader) -> None:
    (block,) = (text for language, _, text in FENCE.findall(PAGE) if language == "sh")
    printed = reader.type(block.replace("\ncurl ", "\ncurl -sS "), {})
    text, _, subtitles = printed.partition("WEBVTT\n")
    assert "conference number" in text.lower()
    assert re.match(r"\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\n", subtitles)


def test_the_program_prints_the_text(reader: Reader) -> None:
    pytest.importorskip("openai")
    (program,) = (text for language, _, text in FENCE.findall(PAGE) if language == "python")
    done = subprocess.run(
        [sys.executable, "-c", reader.adapt(program)],
        cwd=reader.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "conference number" in done.stdout.lower(), done.stderr


def test_errors_look_as_they_are_shown(reader: Reader) -> None:
    (shown,) = (json.loads(text) for language, _, text in FENCE.findall(PAGE) if language == "json")
    url = f"{reader.service.url}/v1/audio/transcriptions"
    answer = reader.session.post(url, data={"model": "nothing"}, files={"file": b"RIFF"}, timeout=60)
    assert answer.json()["error"] == shown["error"] | {"message": answer.json()["error"]["message"]}
    assert answer.json()["error"]["message"].startswith(shown["error"]["message"].partition("There")[0])


def test_recognition_is_answered_as_subtitles(reader: Reader) -> None:
    page = (ROOT / "docs" / "recognition.md").read_text()
    (command,) = (text for _, _, text in FENCE.findall(page) if "Accept: text/vtt" in text)
    printed = reader.type(command, {"KEY": reader.service.key})
    assert printed.startswith("WEBVTT\n\n00:00:0")
