"""The page on keys: a key is exchanged as it says, while both open what the owner has."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import requests

from tests.docs.test_commands import shell_blocks
from tests.running_service import ROOT, RunningService

_MODELS = "/v1/acoustic_customizations"


def test_a_key_is_exchanged_without_a_pause(service: RunningService) -> None:
    (block,) = shell_blocks("docs/keys.md")
    chosen, make, show, revoke = block.commands
    old_key, owner = _made(_typed(f"{chosen}\n{make.partition(' --owner')[0]}", service))
    model = {"name": "kept", "base_model_name": "en-US_BroadbandModel"}
    assert requests.post(service.url + _MODELS, json=model, auth=("apikey", old_key), timeout=60).ok

    variables = f"OWNER={owner} OLD_KEY={old_key}\n{chosen}\n"
    new_key, of = _made(_typed(variables + make, service))
    assert of == owner
    assert _names(service, old_key) == _names(service, new_key) == ["kept"]
    assert re.search(f"{owner}.*second key", _typed(variables + show, service))
    assert owner in _typed(variables + revoke, service)
    assert _names(service, new_key) == ["kept"]
    until_s = time.monotonic() + 60
    while _names(service, old_key) is not None:
        assert time.monotonic() < until_s
        time.sleep(0.5)


def _made(said: str) -> tuple[str, str]:
    found = re.search(r"key +(\S+)\nowner +(\S+)", said)
    assert found is not None
    return found[1], found[2]


def _names(service: RunningService, key: str) -> list[str] | None:
    """Return what a key's models are called; None: the key is refused."""
    answer = requests.get(service.url + _MODELS, auth=("apikey", key), timeout=60)
    if answer.status_code == 401:
        return None
    return [one["name"] for one in answer.json()["customizations"]]


def _typed(commands: str, service: RunningService) -> str:
    adapted = commands.replace("=.attune", f"={service.home}").replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-e", "-c", adapted], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
