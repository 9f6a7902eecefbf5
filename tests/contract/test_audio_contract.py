"""Recordings as they come in the wild, through every interface of the running service."""

from __future__ import annotations

import base64
import contextlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soundfile
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from infra.local.demo.prompts import Prompt
from tests.audio import signals
from tests.audio.archives.packing import tarred, zipped
from tests.running_service import RunningService

NARROW, BROAD = "en-US_NarrowbandModel", "en-US_BroadbandModel"
Call = Callable[..., Any]


@pytest.fixture(scope="module")
def spoken(prompt_named: dict[str, Prompt]) -> signals.Samples:
    samples, rate_hz = soundfile.read(prompt_named["conf-extended"].path, dtype="float32")
    assert rate_hz == 8000
    return np.concatenate([np.zeros(4000, np.float32), samples, np.zeros(8000, np.float32)])


@pytest.fixture(scope="module")
def call(service: RunningService) -> Call:
    """Ask over HTTP; an error's body is an answer, too."""

    def call(path: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
        request = urllib.request.Request(f"{service.url}/v1/{path}", body)
        request.add_header("Authorization", _login(service))
        request.add_header("Content-Type", content_type)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return json.loads(error.read())

    return call


def _login(service: RunningService) -> str:
    return "Basic " + base64.b64encode(f"apikey:{service.key}".encode()).decode()


def streamed(service: RunningService, model: str, content: bytes, content_type: str) -> Any:
    url = f"{service.url.replace('http', 'ws', 1)}/v1/recognize?model={model}"
    with connect(url, additional_headers={"Authorization": _login(service)}, ping_timeout=None) as socket:
        socket.send(json.dumps({"action": "start", "content-type": content_type, "timestamps": True}))
        assert json.loads(socket.recv(60)) == {"state": "listening"}
        with contextlib.suppress(ConnectionClosed):  # refused audio ends the session early
            for at in range(0, len(content), 8000):
                socket.send(content[at : at + 8000])
            socket.send(json.dumps({"action": "stop"}))
        return json.loads(socket.recv(60))


def finished(call: Call, path: str, waiting: str) -> Any:
    deadline = time.monotonic() + 120
    while (found := call(path))["status"] in ("waiting", waiting):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def _recordings(spoken: signals.Samples) -> dict[str, tuple[bytes, str]]:
    whole = signals.wav(spoken, 8000)
    pause = np.concatenate([spoken, np.zeros(24_000, np.float32), spoken])
    twice = signals.encoded(pause, 8000, "OGG", "OPUS")
    begin_s = len(spoken) / 8000
    gapped = signals.gapped(twice, "ogg", ((begin_s - 0.5, begin_s + 3.0),))
    mp3 = signals.encoded(spoken, 8000, "MP3")
    gsm = signals.encoded(spoken, 8000, "WAV", "GSM610")
    return {
        "gapped": (gapped, "audio/ogg"),
        "long header": (signals.with_chunk(whole, b"LIST", 1_500_000), "audio/wav"),
        "too loud": (signals.wav(spoken * 32768, 8000, "FLOAT"), "audio/wav"),
        "within an mp3": (mp3[500:], "audio/mp3"),
        "filled up": (signals.unfilled(gsm) + b"\0", "audio/wav"),
    }


def test_the_same_is_heard_everywhere(service: RunningService, call: Call, spoken: signals.Samples) -> None:
    model_id = call(
        "acoustic_customizations", json.dumps({"name": "real", "base_model_name": NARROW}).encode()
    )["customization_id"]
    recordings = _recordings(spoken)
    jobs = {
        name: call(f"recognitions?model={NARROW}&timestamps=true", content, content_type)["id"]
        for name, (content, content_type) in recordings.items()
    }
    members = {name: content for name, (content, _) in recordings.items()}
    resources = f"acoustic_customizations/{model_id}/audio"
    for number, (name, (content, content_type)) in enumerate(recordings.items()):
        call(f"{resources}/plain{number}", content, content_type)
        posted = call(f"recognize?model={NARROW}&timestamps=true", content, content_type)
        said = " ".join(result["alternatives"][0]["transcript"] for result in posted["results"])
        assert said.count("conference") == (2 if name.startswith("gapped") else 1), (name, posted)
        assert streamed(service, NARROW, content, content_type) == posted, name
        assert finished(call, f"recognitions/{jobs[name]}", "processing")["results"] == [posted], name
    call(f"{resources}/zip", zipped(members), "application/zip")
    call(f"{resources}/tar", tarred(members), "application/gzip")
    for number in range(len(recordings)):
        found = finished(call, f"{resources}/plain{number}", "being_processed")
        assert found["status"] == "ok", found
    for name in ("zip", "tar"):
        listing = call(f"{resources}/{name}")
        while listing["container"]["status"] == "being_processed":
            time.sleep(0.1)
            listing = call(f"{resources}/{name}")
        assert [member["status"] for member in listing["audio"]] == ["ok"] * len(recordings), listing


def test_times_are_those_of_the_recording(call: Call, spoken: signals.Samples) -> None:
    content, content_type = _recordings(spoken)["gapped"]
    posted = call(f"recognize?model={NARROW}&timestamps=true", content, content_type)
    starts_s = [
        word[1]
        for result in posted["results"]
        for word in result["alternatives"][0]["timestamps"]
        if word[0] == "conference"
    ]
    assert starts_s[1] - starts_s[0] == pytest.approx(len(spoken) / 8000 + 3, abs=0.25)


def test_too_low_a_rate_is_refused_in_the_same_words(
    service: RunningService, call: Call, spoken: signals.Samples
) -> None:
    opus = signals.encoded(spoken, 8000, "OGG", "OPUS")
    refused = call(f"recognize?model={BROAD}", opus, "audio/ogg")["error"]
    assert "narrow band model" in refused
    assert streamed(service, BROAD, opus, "audio/ogg") == {"error": refused}


def test_keywords_as_they_are_documented(call: Call, spoken: signals.Samples) -> None:
    query = f"model={NARROW}&keywords=%22conference%22%2C%22!!!%22&keywords_threshold=0.1"
    answer = call(f"recognize?{query}", signals.wav(spoken, 8000), "audio/wav")
    assert "conference" in answer["results"][0]["keywords_result"]
    assert answer["warnings"] == ["Keywords that no words can match: !!!."]
