"""Many clients of the running service ask for the same training at once: one of them starts it."""

from __future__ import annotations

import io
import threading
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import requests

from tests.audio.signals import voice
from tests.running_service import RunningService

CLIENTS = 50
RATE_HZ = 8_000
VOICE_S, PAUSE_S, TIMES = 4, 1, 150


def recording() -> bytes:
    """Return a little more than ten minutes of WAV, many utterances: their training outlasts the test."""
    utterance = np.concatenate([voice(VOICE_S, RATE_HZ), np.zeros(PAUSE_S * RATE_HZ, np.float32)])
    sound = np.tile(utterance * 32767, TIMES)
    sound += np.random.default_rng(0).normal(0, 30, len(sound))  # no two utterances are the same
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(sound.astype("<i2").tobytes())
    return buffer.getvalue()


class Client:
    """One client with a connection of its own, calling about one model."""

    def __init__(self, service: RunningService, path: str) -> None:
        self._url = f"{service.url}/v1/acoustic_customizations{path}"
        self._session = requests.Session()
        self._session.auth = ("apikey", service.key)

    def __call__(self, method: str, path: str = "", **options: Any) -> requests.Response:
        return self._session.request(method, f"{self._url}{path}", timeout=60, **options)

    def wait_until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 300
        while True:
            shown: dict[str, Any] = self("GET").json()
            if condition(shown):
                return shown
            assert time.monotonic() < deadline, shown
            time.sleep(0.1)


@pytest.fixture
def customization_id(service: RunningService) -> Iterator[str]:
    """A model that is ready to be trained; whatever becomes of it, its training is stopped and it is deleted."""
    body = {"name": "wanted by many", "base_model_name": "en-US_NarrowbandModel"}
    made: str = Client(service, "")("POST", json=body).json()["customization_id"]
    client = Client(service, f"/{made}")
    added = client("POST", "/audio/quiet", data=recording(), headers={"Content-Type": "audio/wav"})
    assert added.status_code == 201, added.text
    client.wait_until(lambda shown: shown["status"] == "ready")
    yield made
    client("DELETE", "/train")
    client.wait_until(lambda shown: shown["status"] != "training")
    assert client("DELETE").status_code == 200


def test_of_simultaneous_trainings_one_starts(service: RunningService, customization_id: str) -> None:
    clients = [Client(service, f"/{customization_id}") for _ in range(CLIENTS)]
    together = threading.Barrier(CLIENTS)

    def train(client: Client) -> requests.Response:
        assert client("GET").status_code == 200  # the connection is there, the key is known
        together.wait(60)
        return client("POST", "/train")

    with ThreadPoolExecutor(CLIENTS) as threads:
        answers = list(threads.map(train, clients))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: CLIENTS - 1}
    (started,) = (answer for answer in answers if answer.status_code == 200)
    assert started.json() == {}
    locked = f"Customization '{customization_id}' is currently locked to process your last request."
    assert {answer.json()["error"] for answer in answers if answer.status_code == 409} == {locked}
    assert clients[0]("GET").json()["status"] == "training"
    jobs = {path.name for path in (service.home / "jobs").iterdir() if customization_id in path.name}
    assert {name.split(".")[0] for name in jobs} == {f"local-{customization_id}-000001"}

    assert clients[0]("DELETE", "/train").status_code == 200
    shown = clients[0].wait_until(lambda shown: shown["status"] != "training")
    assert (shown["status"], shown["progress"]) == ("ready", 0)
    assert clients[0]("DELETE", "/train").status_code == 409
