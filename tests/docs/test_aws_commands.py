"""Commands of the AWS CLI, in the documentation and in what the deployment says: the CLI itself takes them.

They go to an address where nobody answers. So each is read, and its parameters are validated, up to the call.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.test_commands import blocks
from tests.infra.emulated_account import EMULATION
from tests.running_service import ROOT

NOBODY = "http://127.0.0.1:9"
TYPED = """
aws() { printf '%s\\n' "$*" | tr '\\n' ' ' >&3; echo >&3; echo 123456789012; }
docker() { cat > /dev/null < /dev/null; }
exec 3> "$TYPED"
"""
"""Stands for the programs, and writes down what the CLI would be given."""
VARIABLES = {
    "VPC": "vpc-0a1b2c3d",
    "SUBNETS": "subnet-1,subnet-2",
    "CERTIFICATE": "arn:aws:acm:eu-central-1:123456789012:certificate/1",
}
"""What the pages leave to the reader."""
OF_VERSION_2 = {"sso login"}
"""The package of the CLI is its version 1, which does without."""
RUN = """
import contextlib, io, json, sys
from awscli import clidriver
driver, ended = clidriver.create_clidriver(), []
for command in json.load(open(sys.argv[1])):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            status = driver.main(command)
        except SystemExit as error:
            status = error.code
    ended.append([status, said.getvalue()])
json.dump(ended, open(sys.argv[2], "w"))
"""
LINE = re.compile(r"\baws ((?:[a-z0-9-]+ )+--[^`]*)$", re.MULTILINE)


def _typed(folder: Path) -> Iterator[str]:
    """Yield what the CLI is given when the shell blocks of all pages are typed, without other programs."""
    lines = [
        command.replace(".venv/bin/python", "true")
        for block in blocks()
        if block.language == "sh"
        for command in block.commands
        if re.search(r"\baws [a-z]", command) or command.startswith("export ")
    ]
    record = folder / "typed"
    script = TYPED + "\n".join(lines)
    environment = {"PATH": os.environ["PATH"], "TYPED": str(record), **VARIABLES}
    done = subprocess.run(
        ["bash", "-e", "-u", "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    yield from record.read_text().splitlines()


def _said() -> Iterator[str]:
    """Yield the commands that the deployment tells an operator to type."""
    for path in (ROOT / "infra" / "deployment").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "attune-prod"
                    for part in node.values
                )
                yield from LINE.findall(text)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    found = {*_typed(tmp_path_factory.mktemp("typed")), *_said()}
    return sorted(one.strip() for one in found if one.strip() not in OF_VERSION_2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that commands name, where they name them."""
    made = tmp_path_factory.mktemp("clone")
    for name in ("build/stack/sam.json", "build/stack/packaged.yaml", "build/layer/engine-layer.zip"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text("{}")
    (made / "infra").mkdir()
    shutil.copy2(ROOT / "infra" / "front_door.json", made / "infra")
    return made


def _taken(commands: list[str], folder: Path) -> list[tuple[int, str]]:
    if not (EMULATION / "awscli").is_dir():
        pytest.skip(f"{EMULATION} has no AWS CLI; `make test` installs it")
    asked, ended = folder / "asked.json", folder / "ended.json"
    asked.write_text(json.dumps([command.split() for command in commands]))
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "PYTHONPATH": str(EMULATION),
        "AWS_ENDPOINT_URL": NOBODY,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(asked), str(ended)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [(status, said) for status, said in json.loads(ended.read_text())]


def test_the_commands_are_found(commands: list[str]) -> None:
    assert len(commands) >= 12
    assert "s3 mb s3://attune-deployments-123456789012" in commands
    assert any(one.startswith("cloudformation deploy --stack-name attune-front-door") for one in commands)
    assert any(one.startswith("cloudformation continue-update-rollback") for one in commands)
    assert any(one.startswith("ecr batch-delete-image") for one in commands)


def test_each_is_taken_up_to_the_call(commands: list[str], folder: Path) -> None:
    for command, (status, said) in zip(commands, _taken(commands, folder), strict=True):
        reached = status != 0 and "Could not connect to the endpoint URL" in said
        # What has nothing to upload asks nobody.
        assert reached or (status == 0 and command.startswith("cloudformation package ")), (
            f"{command}\n{said}"
        )


def test_what_the_cli_does_not_know_would_be_found_out(folder: Path) -> None:
    wrong = [
        "ecr create-repository --name attune-training",
        "ecr create-repository --repository-name a",
        "lambda publish-layer-version --layer-name a --content S3Bukket=bucket",
        "cloudformation describe-stacks --query Stacks[0",
    ]
    for command, (_, said) in zip(wrong, _taken(wrong, folder), strict=True):
        assert "Could not connect" not in said, command
