"""The page about uploads: its commands, typed from top to bottom, do what it says."""

from __future__ import annotations

import json
import os
import subprocess
import wave
from pathlib import Path

import requests

from infra.local.demo.prompts import Prompt
from tests.docs.test_commands import Reader, shell_blocks
from tests.running_service import RunningService

PAGE = "docs/uploads.md"


def test_its_commands_can_be_pasted_into_a_shell(
    service: RunningService, prompt_named: dict[str, Prompt], tmp_path: Path
) -> None:
    # Longer than what the front door passes on in one piece.
    with wave.open(str(prompt_named["digits/5"].path)) as spoken:
        samples = spoken.readframes(spoken.getnframes())
    with wave.open(str(tmp_path / "call.wav"), "wb") as call:
        call.setnchannels(1)
        call.setsampwidth(2)
        call.setframerate(8_000)
        call.writeframes(samples + bytes(2 * 8_000 * 75))
    program = Reader(service, tmp_path).adapt("".join(block.text for block in shell_blocks(PAGE)))
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", program],
        cwd=tmp_path,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    sent, upload, heard, job, added = (json.loads(line) for line in done.stdout.splitlines() if line)
    assert sent == added == {}
    assert (upload["status"], upload["bytes"]) == ("complete", (tmp_path / "call.wav").stat().st_size)
    assert heard["results"][0]["alternatives"][0]["transcript"].strip()
    assert "warnings" not in heard
    assert job["status"] == "waiting"
    with requests.Session() as session:
        session.auth = ("apikey", service.key)
        gone = session.get(f"{service.url}/v1/uploads/{upload['upload_id']}", timeout=60)
    assert gone.status_code == 404
