"""The page on usage: its requests and the operator's commands are typed, and its answers have that shape."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.docs.test_commands import blocks, shell_blocks
from tests.running_service import ROOT, RunningService

PAGE = "docs/usage.md"


def test_the_commands_of_the_page(service: RunningService) -> None:
    listed, metered = (block.commands for block in shell_blocks(PAGE))
    (documented,) = (
        json.loads(block.text) for block in blocks() if block.page == PAGE and block.language == "json"
    )
    for command in listed:
        answer = json.loads(_typed(command, service))
        assert answer.keys() == documented.keys()
        for entry in answer["usage"]:
            assert entry.keys() == documented["usage"][0].keys()
    for command, head in zip(metered, ("owner", "day"), strict=True):
        assert _typed(command, service).startswith(head)


def _typed(command: str, service: RunningService) -> str:
    variables = f"KEY={service.key} URL={service.url} OWNER=5f9e1a0c-0d5f-4a7b-9b62-0a1b2c3d4e5f\n"
    adapted = command.replace("=.attune ", f"={service.home} ").replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-e", "-c", variables + adapted.replace("curl ", "curl -sS ")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
