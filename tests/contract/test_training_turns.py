"""The running service: trainings that wait for their turn begin by themselves, and their ends are told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from infra.local.store.event_bus import FILE_NAME
from tests.api.customization.test_simultaneous_training import Client, recording
from tests.receiver import Receiver
from tests.running_service import RunningService


@pytest.fixture
def models(service: RunningService, receiver: Receiver) -> Iterator[list[Client]]:
    """Two models that are ready to be trained; the first one has a callback of its own."""
    session = requests.Session()
    session.auth = ("apikey", service.key)
    asked = {"callback_url": receiver.url, "user_secret": "ThisIsMySecret"}
    assert session.post(f"{service.url}/v1/register_callback", params=asked).status_code == 201
    made, sound = [], recording()
    for number in range(2):
        body: dict[str, Any] = {"name": f"waits {number}", "base_model_name": "en-US_NarrowbandModel"}
        body |= {"base_model_version": "en-US_NarrowbandModel.v2019-06-24"}
        if number == 0:
            body["callback_url"] = receiver.url
        answer = Client(service, "")("POST", json=body)
        assert answer.status_code == 201, answer.text
        client = Client(service, f"/{answer.json()['customization_id']}")
        added = client("POST", "/audio/quiet", data=sound, headers={"Content-Type": "audio/wav"})
        assert added.status_code == 201, added.text
        made.append(client)
    for client in made:
        client.wait_until(lambda shown: shown["status"] == "ready")
    yield made
    for client in reversed(made):
        client("DELETE", "/train")
        client.wait_until(lambda shown: shown["status"] != "training")
        assert client("DELETE").status_code == 200
    session.post(f"{service.url}/v1/unregister_callback", params={"callback_url": receiver.url})


def wait_for(found: Callable[[], list[Any]]) -> list[Any]:
    """Return what is found as soon as it is; a callback comes when it comes."""
    deadline = time.monotonic() + 300
    while not (there := found()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.05)
    return there


def test_one_waits_for_the_other_and_both_ends_are_told(
    service: RunningService, receiver: Receiver, models: list[Client]
) -> None:
    first, second = models
    ids = [client("GET").json()["customization_id"] for client in models]
    assert first("POST", "/train").status_code == 200
    asked = {"callback_url": receiver.url, "user_token": "the second"}
    assert second("POST", "/train", params=asked).status_code == 200
    shown = second("GET").json()
    assert (shown["status"], shown["stage"]) == (
        "training",
        "waiting for its turn to train: this service trains 1 at once, it is the next",
    )
    jobs = service.home / "jobs"
    assert not list(jobs.glob(f"*{ids[1]}*.json")), "no job was made yet"

    assert first("DELETE", "/train").status_code == 200
    # Nobody asks for it: the end of the first one lets the second begin.
    second.wait_until(lambda shown: "waiting for its turn" not in shown["stage"])
    wait_for(lambda: list(jobs.glob(f"*{ids[1]}*.json")))
    assert first("GET").json()["status"] == "ready"
    assert second("DELETE", "/train").status_code == 200
    second.wait_until(lambda shown: shown["status"] == "ready")

    for customization_id, token in zip(ids, ("", "the second"), strict=True):
        (told,) = wait_for(lambda wanted=customization_id: receiver.news_of(wanted))  # type: ignore[misc]
        assert (told["event"], told["status"]) == ("trainings.cancelled", "ready")
        assert (told["user_token"], told["run"], told["upgrade"]) == (token, 1, False)
    for headers, body in receiver.told:
        expected = hmac.new(b"ThisIsMySecret", body, hashlib.sha1).digest()
        assert headers["x-callback-signature"] == base64.b64encode(expected).decode()

    def on_the_bus(kind: str) -> list[dict[str, Any]]:
        path = service.home / "store" / FILE_NAME
        lines = path.read_text().splitlines() if path.exists() else []
        events = [json.loads(line) for line in lines]
        ours = [
            event
            for event in events
            if event["detail-type"] == kind and event["detail"]["customization_id"] in ids
        ]
        return ours if {event["detail"]["customization_id"] for event in ours} == set(ids) else []

    for kind, name, status in (
        ("Attune Audio Validated", "audio.validated", "ready"),
        ("Attune Training Ended", "trainings.cancelled", "ready"),
    ):
        for event in wait_for(lambda wanted=kind: on_the_bus(wanted)):  # type: ignore[misc]
            assert (event["source"], event["detail"]["event"]) == ("attune", name)
            assert event["detail"]["status"] == status
