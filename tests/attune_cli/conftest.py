"""An account of its own on the running service for each module, and the command signed in to it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from attune_cli import configuration
from tests.attune_cli.line import Line
from tests.attune_cli.running import Command
from tests.running_service import ROOT, RunningService

MakeKey = Callable[..., str]
"""Takes further options of the command."""


def operate(service: RunningService, *arguments: str) -> str:
    """Run the operator's command for keys where the service is."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ATTUNE_"))}
    done = subprocess.run(
        [sys.executable, "-m", "infra.keys", *arguments],
        cwd=ROOT,
        env=outside | {"ATTUNE_HOME": str(service.home)},
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def make_key(service: RunningService) -> MakeKey:
    """What makes a key of an owner of its own."""

    def make(*options: str) -> str:
        found = re.search(r"^key\s+(\S+)$", operate(service, "make", *options), re.MULTILINE)
        assert found
        return found[1]

    return make


@pytest.fixture(scope="module")
def key(make_key: MakeKey) -> str:
    return make_key()


@pytest.fixture
def attune(service: RunningService, key: str, tmp_path: Path) -> Command:
    return Command(service.url, key, tmp_path)


@pytest.fixture
def through(attune: Command) -> Callable[[Line], Command]:
    """The same command, over a line."""
    return lambda line: replace(attune, url=line.url)


@pytest.fixture
def api(service: RunningService, key: str) -> requests.Session:
    """The account, for what tests ask themselves."""
    session = requests.Session()
    session.auth = ("apikey", key)
    return session


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what runs in this process from the developer's own credentials."""
    monkeypatch.setenv(configuration.FOLDER_VARIABLE, str(tmp_path / "config"))
    for name in (configuration.URL_VARIABLE, configuration.KEY_VARIABLE):
        monkeypatch.delenv(name, raising=False)
