"""`make chalice-local`: the API alone, on the store of the service that runs, with its key."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from infra.local import chalice_local
from tests.ports import free_port
from tests.running_service import ROOT, RunningService

CLIP = ROOT / "infra" / "bases" / "clip.wav"


@pytest.fixture
def url(service: RunningService, tmp_path: Path) -> Iterator[str]:
    port = free_port()
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ATTUNE_"))}
    with (tmp_path / "chalice.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.chalice_local", "--port", str(port)],
            cwd=ROOT,
            env={**outside, "ATTUNE_HOME": str(service.home)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline_s = time.monotonic() + 300
        while "Serving on" not in (tmp_path / "chalice.log").read_text():
            assert process.poll() is None, (tmp_path / "chalice.log").read_text()
            assert time.monotonic() < deadline_s
            time.sleep(0.1)
        said = (tmp_path / "chalice.log").read_text()
        assert f"curl -u 'apikey:{service.key}' http://127.0.0.1:{port}/v1/models" in said
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(120)


def test_what_is_made_there_is_here(service: RunningService, url: str) -> None:
    auth = ("apikey", service.key)
    asked = {"name": "beside", "base_model_name": "en-US_NarrowbandModel"}
    made = requests.post(f"{url}/v1/acoustic_customizations", json=asked, auth=auth, timeout=60)
    assert made.status_code == 201, made.text
    path = f"/v1/acoustic_customizations/{made.json()['customization_id']}"
    assert requests.get(f"{service.url}{path}", auth=auth, timeout=60).json()["name"] == "beside"
    assert requests.delete(f"{url}{path}", auth=auth, timeout=60).status_code == 200
    assert requests.get(f"{url}/v1/models", timeout=60).status_code == 401
    heard = requests.post(
        f"{url}/v1/recognize?model=en-US_NarrowbandModel",
        data=CLIP.read_bytes(),
        headers={"Content-Type": "audio/wav"},
        auth=auth,
        timeout=60,
    )
    assert heard.status_code == 200, heard.text
    assert heard.json()["results"]


def test_without_a_service_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ATTUNE_HOME", str(tmp_path))
    assert chalice_local.main([]) == 1
    assert f"No service runs on {tmp_path}. Start it there with 'make run'" in capsys.readouterr().err
