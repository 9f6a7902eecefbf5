"""SIGKILL of the whole service at ten points of its main job: nothing that was acknowledged is lost."""

from __future__ import annotations

import http.client
import io
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from infra.local.store import journal
from tests.audio.signals import voice
from tests.local.running import RunningService, running_service

_RATE_HZ = 8000
_MODELS = "/v1/acoustic_customizations"
_FLAC = "audio/flac"


def _recording(seed: int, duration_s: int) -> bytes:
    """Return FLAC with three seconds of speech in each minute: long enough to train on, quickly trained on."""
    noise = np.random.default_rng(seed)
    samples = (0.001 * noise.standard_normal(duration_s * _RATE_HZ)).astype(np.float32)
    for start_s in range(5 + seed, duration_s - 5, 60):
        samples[start_s * _RATE_HZ : (start_s + 3) * _RATE_HZ] += voice(3.0, _RATE_HZ)
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, _RATE_HZ, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


class _Story:
    """A user's work with one model, and what the service has acknowledged of it."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.model = ""
        self.audio: set[str] = set()

    def path(self, *parts: str) -> str:
        return "/".join((_MODELS, self.model, *parts))

    def add(self, name: str, body: bytes) -> None:
        status, answer = self.service.call("POST", self.path("audio", name), body, _FLAC)
        assert status == 201, answer
        self.audio.add(name)

    def show(self) -> dict[str, Any]:
        status, answer = self.service.call("GET", self.path())
        assert status == 200, answer
        assert isinstance(answer, dict)
        return answer

    def kill_and_restart(self) -> None:
        self.service.kill()
        assert self.service.left_behind() == []
        self.service.launch()
        self.service.wait_until_ready()
        self.check()

    def check(self) -> None:
        """Everything that was acknowledged is there."""
        _, listing = self.service.call("GET", _MODELS)
        assert [model["customization_id"] for model in listing["customizations"]] == [self.model]
        _, resources = self.service.call("GET", self.path("audio"))
        names = {audio["name"] for audio in resources["audio"]}
        assert self.audio <= names

    def wait_for_audio(self, name: str, status: str = "ok") -> None:
        def settled() -> bool:
            _, audio = self.service.call("GET", self.path("audio", name))
            assert audio["status"] in ("being_processed", status), audio
            return bool(audio["status"] == status)

        _wait(settled, f"audio {name} to be {status}")

    def wait_for_training(self) -> dict[str, Any]:
        _wait(lambda: self.show()["status"] != "training", "the training to end")
        return self.show()

    def jobs(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in (self.service.home / "jobs").glob("*.json")]

    def stored_keys(self) -> set[str]:
        """Return the keys of all objects that the store has ever acknowledged since its start."""
        records = (record for record, _ in journal.read(self.service.home / "store" / "journal"))
        return {record["put"]["key"] for record in records if "put" in record}


def _wait(condition: Callable[[], bool], what: str, timeout_s: float = 300.0, every_s: float = 0.05) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(every_s)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[_Story]:
    with running_service(tmp_path / "home") as service:
        yield _Story(service)


def _break_off_upload(story: _Story, name: str, body: bytes) -> None:
    """Send half of a body, and kill the service while it waits for the rest."""
    connection = http.client.HTTPConnection("127.0.0.1", story.service.port, timeout=120)
    connection.putrequest("POST", story.path("audio", name))
    connection.putheader("Authorization", "Basic YXBpa2V5OmEta2V5LWZvci10ZXN0cy1vbmx5")
    connection.putheader("Content-Type", _FLAC)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    connection.send(body[: len(body) // 2])
    time.sleep(0.2)
    try:
        story.kill_and_restart()
    finally:
        connection.close()


@pytest.mark.slow
def test_a_kill_at_any_point_loses_nothing_that_was_acknowledged(story: _Story) -> None:
    service, first, second = story.service, _recording(0, 590), _recording(1, 30)

    status, answer = service.call(
        "POST", _MODELS, json.dumps({"name": "m", "base_model_name": "en-US_NarrowbandModel"}).encode()
    )
    assert status == 201
    story.model = answer["customization_id"]
    # 1: right after the model was created
    story.kill_and_restart()
    assert story.show()["status"] == "pending"

    # 2: while audio is being uploaded; it was not acknowledged, and does not stand in the way of another try
    _break_off_upload(story, "first", bytes(6_000_000))

    # 3: right after the upload was acknowledged
    story.service.call("DELETE", story.path("audio", "first"))
    story.add("first", first)
    story.kill_and_restart()
    story.wait_for_audio("first")

    # 4: during its analysis
    story.add("second", second)
    time.sleep(0.1)
    story.kill_and_restart()
    story.wait_for_audio("second")

    # 5: before the training
    _wait(lambda: story.show()["status"] == "ready", "the model to be ready")
    story.kill_and_restart()
    assert story.show()["status"] == "ready"

    # 6: right after the training was accepted
    status, answer = service.call("POST", story.path("train"))
    assert status == 200, answer
    story.kill_and_restart()
    assert story.show()["status"] in ("training", "available")

    # 7: in the middle of the training
    _wait(
        lambda: any(job["secondary_status"] == "Training" or job["ended_s"] for job in story.jobs()),
        "the job to train",
    )
    story.kill_and_restart()
    assert story.show()["status"] in ("training", "available")

    # 8: right after the job's end, which nobody may have been told of
    _wait(lambda: any(job["ended_s"] for job in story.jobs()), "the job to end", every_s=0.002)
    assert [job["status"] for job in story.jobs()] == ["Completed"], story.jobs()
    story.kill_and_restart()
    assert story.wait_for_training()["status"] == "available"

    # 9: after the job has delivered its model, before it is promoted
    story.add("third", _recording(2, 30))
    story.wait_for_audio("third")
    status, answer = service.call("POST", story.path("train"))
    assert status == 200, answer
    _wait(
        lambda: any("000002" in key and key.endswith("model.tar.gz") for key in story.stored_keys()),
        "the second run's model",
        every_s=0.01,
    )
    story.kill_and_restart()
    assert story.wait_for_training()["status"] == "available"
    status, report = service.call("GET", story.path("report"))
    assert status == 200
    assert report["decision"] in ("adapted", "transform", "base")

    # 10: while something is being deleted; it is there or gone, and can be deleted in any case
    deleting = threading.Thread(target=_quietly, args=(service.call, "DELETE", story.path("audio", "third")))
    deleting.start()
    time.sleep(0.005)
    story.audio.remove("third")
    story.kill_and_restart()
    deleting.join()
    status, _ = service.call("DELETE", story.path("audio", "third"))
    assert status in (200, 400)
    story.check()
    status, _ = service.call("DELETE", story.path())
    assert status == 200
    # A deletion that was acknowledged stays one.
    service.kill()
    service.launch()
    service.wait_until_ready()
    assert service.call("GET", _MODELS)[1]["customizations"] == []


def _quietly(call: Callable[..., object], *arguments: str) -> None:
    try:
        call(*arguments)
    except (OSError, http.client.HTTPException, json.JSONDecodeError):
        return
