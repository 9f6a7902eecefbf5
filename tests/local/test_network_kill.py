"""IBM's SDK makes a custom model on the network while service and training are killed at ten points."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import soundfile
from ibm_cloud_sdk_core.authenticators import BasicAuthenticator
from ibm_watson import SpeechToTextV1

from chalicelib.engines.catalogue import BASE_MODELS
from infra.local.demo.prompts import Prompt
from infra.local.processes import child
from tests.local.running import RunningService, running_service

pytest.importorskip("torch")
pytest.importorskip("peft")

pytestmark = pytest.mark.slow
NARROWBAND = "en-US_NarrowbandModel"
RATE_HZ = 8000
SMALL = {"epochs": 3, "rank": 4, "beam": 1, "batch_s": 15, "save_every_s": 0, "judged_ordinary": 12}


@pytest.fixture(scope="module")
def recording(prompts: list[Prompt]) -> bytes:
    """Ten minutes in which a prompt is heard twice a minute."""
    noise = np.random.default_rng(1).standard_normal(605 * RATE_HZ)
    samples = (0.0005 * noise).astype(np.float32)
    chosen = [prompt for prompt in prompts if 2 <= prompt.duration_s <= 5][:20]
    for number, prompt in enumerate(chosen):
        start = (5 + 30 * number) * RATE_HZ
        said, rate_hz = soundfile.read(prompt.path, dtype="float32")
        assert rate_hz == RATE_HZ
        samples[start : start + len(said)] += said
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE_HZ, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


class _Story:
    """A user's work with one model."""

    def __init__(self, service: RunningService) -> None:
        self.service = service
        self.client = SpeechToTextV1(authenticator=BasicAuthenticator("apikey", service.key))
        self.client.set_service_url(service.url)
        self.client.set_http_config({"timeout": 60})
        self.model = ""
        self.kills = 0

    def show(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.client.get_acoustic_model(self.model).get_result()
        return shown

    def audio(self, name: str) -> str:
        status: str = self.client.get_audio(self.model, name).get_result()["status"]
        return status

    def kill_the_service(self) -> None:
        self.kills += 1
        self.service.kill()
        assert self.service.left_behind() == []
        self.service.launch()
        self.service.wait_until_ready()

    def kill_the_training(self) -> None:
        self.kills += 1
        for process in child.marked(str(self.service.home.resolve())):
            if b"training_image.train" in Path(f"/proc/{process}/cmdline").read_bytes():
                os.kill(process, signal.SIGKILL)
                return
        raise AssertionError("no training runs")

    def wait(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        until_s = time.monotonic() + 600
        while not condition(shown := self.show()):
            assert shown["status"] not in ("failed",), shown
            assert time.monotonic() < until_s, shown
            time.sleep(0.1)
        return shown

    def wait_for_stage(self, stage: str, beyond: float = 0.0) -> None:
        shown = self.wait(
            lambda shown: (
                shown["status"] != "training"
                or (str(shown.get("stage", "")).startswith(stage) and shown["progress"] >= beyond)
            )
        )
        assert shown["status"] == "training", shown

    def checkpoints(self, name: str) -> list[Path]:
        """Return where the running job has saved something."""
        return list((self.service.home / "jobs").glob(f"*/ml/checkpoints/{name}*.ckpt"))


@pytest.fixture
def story(tmp_path: Path) -> Iterator[_Story]:
    variables = {
        "ATTUNE_ADAPTED_ENGINES": "whisper",
        "ATTUNE_TRAINING_OVERRIDES": json.dumps(SMALL),
        "OMP_WAIT_POLICY": "passive",
    }
    with running_service(tmp_path / "home", **variables) as service:
        yield _Story(service)


def _add(story: _Story, content: bytes) -> None:
    try:
        story.client.add_audio(story.model, "calls", content, content_type="audio/flac")
    except requests.ConnectionError:
        return  # it was killed before it could answer


def test_kills_at_ten_points_neither_lose_nor_double_a_training(
    story: _Story, recording: bytes, prompt_named: dict[str, Prompt]
) -> None:
    client = story.client
    story.model = client.create_acoustic_model("calls", NARROWBAND).get_result()["customization_id"]
    # 1: after the model was made
    story.kill_the_service()
    assert story.show()["status"] == "pending"
    # 2: while audio comes in; whether it has arrived, only an answer says
    adding = threading.Thread(target=_add, args=(story, recording))
    adding.start()
    time.sleep(0.05)
    story.kill_the_service()
    adding.join()
    if not client.list_audio(story.model).get_result()["audio"]:
        client.add_audio(story.model, "calls", recording, content_type="audio/flac")
    # 3: while it is looked at
    story.kill_the_service()
    story.wait(lambda shown: shown["status"] == "ready")
    assert story.audio("calls") == "ok"
    # 4: before training
    story.kill_the_service()
    assert story.show()["status"] == "ready"
    # 5: after training was accepted
    client.train_acoustic_model(story.model)
    story.kill_the_service()
    assert story.show()["status"] == "training"
    # 6: the training alone, while it reads
    story.wait_for_stage("reading the audio")
    story.kill_the_training()
    # 7: while it hears ordinary speech
    story.wait_for_stage("hearing ordinary speech")
    story.kill_the_service()
    # 8: while it learns
    story.wait(lambda shown: bool(story.checkpoints("student-1")) or shown["status"] != "training")
    story.kill_the_service()
    # 9: while what was learned is judged
    story.wait_for_stage("judging what was learned")
    story.kill_the_service()
    # 10: at the end, which nobody may have been told of
    jobs = story.service.home / "jobs"
    story.wait(lambda _: any(json.loads(path.read_text())["ended_s"] for path in jobs.glob("*.json")))
    story.kill_the_service()
    assert story.kills == 10

    shown = story.wait(lambda shown: shown["status"] != "training")
    assert shown["status"] == "available", shown
    assert shown["versions"] == [BASE_MODELS[NARROWBAND].newest_version]
    (job,) = [json.loads(path.read_text()) for path in jobs.glob("*.json")]
    assert job["status"] == "Completed"
    _, report = story.service.call("GET", f"/v1/acoustic_customizations/{story.model}/report")
    assert report["decision"] == "adapted", report["reason"]
    heard = client.recognize(
        prompt_named["conf-extended"].path.read_bytes(),
        content_type="audio/wav",
        model=NARROWBAND,
        acoustic_customization_id=story.model,
    ).get_result()
    assert "warnings" not in heard
    assert "conference" in heard["results"][0]["alternatives"][0]["transcript"]
