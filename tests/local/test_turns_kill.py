"""SIGKILL of the whole service while one training goes on and another waits: none is lost, each end is told."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.api.customization.test_simultaneous_training import recording
from tests.local.running import RunningService, running_service
from tests.receiver import receiving

_MODELS = "/v1/acoustic_customizations"


def _kill_and_restart(service: RunningService) -> None:
    service.kill()
    assert service.left_behind() == []
    service.launch()
    service.wait_until_ready()


def _model(service: RunningService, sound: bytes, callback_url: str) -> str:
    fields = {
        "name": "waits",
        "base_model_name": "en-US_NarrowbandModel",
        "base_model_version": "en-US_NarrowbandModel.v2019-06-24",
        "callback_url": callback_url,
    }
    status, made = service.call("POST", _MODELS, json.dumps(fields).encode())
    assert status == 201, made
    path = f"{_MODELS}/{made['customization_id']}"
    status, added = service.call("POST", f"{path}/audio/a", sound, "audio/wav")
    assert status == 201, added
    _until(service, path, lambda shown: shown["status"] == "ready")
    return path


def _until(service: RunningService, path: str, wanted: Callable[[dict[str, Any]], bool]) -> None:
    until = time.monotonic() + 3000
    while not wanted(shown := service.call("GET", path)[1]):
        assert time.monotonic() < until, shown
        time.sleep(0.1)


@pytest.mark.slow
def test_a_kill_loses_nobody_in_the_line(tmp_path: Path) -> None:
    options = {"ATTUNE_MAX_TRAININGS_AT_ONCE": "1", "ATTUNE_CALLBACK_ALLOW_PRIVATE": "true"}
    with receiving() as receiver, running_service(tmp_path / "home", **options) as service:
        url = urllib.parse.quote(receiver.url, safe="")
        assert service.call("POST", f"/v1/register_callback?callback_url={url}")[0] == 201
        sound = recording()
        first, second, third = (_model(service, sound, receiver.url) for _ in range(3))
        for path in (first, second, third):
            assert service.call("POST", f"{path}/train") == (200, {})
        # 1: one at work, two in the line
        _kill_and_restart(service)
        stages = [service.call("GET", path)[1]["stage"] for path in (second, third)]
        assert stages == [
            "waiting for its turn to train: this service trains 1 at once, it is the next",
            "waiting for its turn to train: this service trains 1 at once, 1 that wait come before it",
        ]
        # 2: right after one was cancelled, whatever was done about it
        assert service.call("DELETE", f"{first}/train")[0] == 200
        _kill_and_restart(service)
        _until(service, first, lambda shown: shown["status"] == "ready")
        _until(service, second, lambda shown: "its turn" not in shown["stage"])
        # 3: right after another left the line
        assert service.call("DELETE", f"{third}/train")[0] == 200
        _kill_and_restart(service)
        assert service.call("GET", third)[1]["status"] == "ready"
        assert service.call("DELETE", f"{second}/train")[0] == 200
        _until(service, second, lambda shown: shown["status"] == "ready")
        ids = [path.rpartition("/")[2] for path in (first, second, third)]
        until = time.monotonic() + 300
        while not all(receiver.of(one) for one in ids):
            assert time.monotonic() < until, receiver.events
            time.sleep(0.1)
        assert {one: [told["event"] for told in receiver.news_of(one)] for one in ids} == {
            one: ["trainings.cancelled"] for one in ids
        }
        jobs = {path.stem.removesuffix(".json") for path in (service.home / "jobs").glob("*.json")}
        assert jobs == {f"local-{one}-000001" for one in ids[:2]}, "who left the line had no job"
