"""The page that shows each parameter's effect: its program and its commands are run, and answers have the shape shown.

`ATTUNE_WRITE_PARAMETERS_PAGE=1` writes the answers into the page.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo.prompts import Prompt
from tests.running_service import ROOT, RunningService

PAGE = ROOT / "docs" / "parameters.md"
BLOCK = re.compile(r"^```(sh|python|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WRITE = "ATTUNE_WRITE_PARAMETERS_PAGE"


def test_the_page_tells_of_every_parameter() -> None:
    from chalicelib.recognition.request.parameters import KINDS

    text = PAGE.read_text()
    assert [name for name in KINDS if name not in text and name != "customization_id"] == [
        "processing_metrics_interval"
    ]


@pytest.mark.slow
def test_the_page_shows_what_is_answered(
    service: RunningService, prompts: list[Prompt], tmp_path: Path
) -> None:
    (tmp_path / ".attune").symlink_to(ROOT / ".attune")
    text = PAGE.read_text()
    blocks = BLOCK.findall(text)
    program = next(code for language, code in blocks if language == "python")
    subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True
    )
    variables, answer, answers = "", "", []
    for language, block in blocks:
        if language == "sh":
            commands = block.replace("http://127.0.0.1:8080", service.url)
            commands = commands.replace(".attune/api-key", str(service.home / "api-key"))
            variables += "".join(re.findall(r"^[A-Z]+=.*\n", commands, re.MULTILINE))
            answer = run(variables + commands.replace("curl ", "curl -sS "), tmp_path)
        elif language == "json":
            answers.append(json.loads(answer))
            if WRITE not in os.environ:
                assert shape(answers[-1]) == shape(json.loads(block)), answer
    if WRITE in os.environ:
        PAGE.write_text(
            re.sub(
                r"^```json\n.*?^```$",
                lambda _: f"```json\n{written(answers.pop(0))}\n```",
                text,
                flags=re.MULTILINE | re.DOTALL,
            )
        )


def run(commands: str, folder: Path) -> str:
    done = subprocess.run(
        ["bash", "-e", "-c", commands], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def shape(value: Any) -> Any:
    """Return what a value consists of, whatever the words and figures are."""
    if isinstance(value, dict):
        return {name: shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def written(value: Any, indent: str = "") -> str:
    """Return JSON with what is short on one line."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(indent) + len(flat) <= 118 or not isinstance(value, dict | list):
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}: {written(item, deeper)}" for name, item in value.items()]
        return "{\n" + ",\n".join(deeper + item for item in items) + f"\n{indent}}}"
    if all(not isinstance(item, dict) for item in value):
        return filled(value, indent)
    return "[\n" + ",\n".join(deeper + written(item, deeper) for item in value) + f"\n{indent}]"


def filled(values: list[Any], indent: str) -> str:
    lines = [""]
    for value in values:
        item = json.dumps(value, ensure_ascii=False)
        if lines[-1] and len(indent) + len(lines[-1]) + len(item) > 114:
            lines.append("")
        lines[-1] += f"{', ' if lines[-1] else ''}{item}"
    return "[" + f",\n{indent} ".join(lines) + "]"
