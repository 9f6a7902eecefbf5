"""Watson's documented WebSocket session with two clients that know nothing of Watson."""

from __future__ import annotations

import json
import queue
import threading
import urllib.request
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import soundfile
import soxr
import websocket
from websockets.sync.client import connect

from infra.local.demo.prompts import Prompt
from tests.running_service import RunningService

LISTENING = {"state": "listening"}
START: dict[str, Any] = {"action": "start", "content-type": "audio/l16;rate=22050"}
SESSION: tuple[dict[str, Any] | None, ...] = (
    START,
    {"action": "stop"},
    None,
    {"action": "stop"},
    START | {"interim_results": True},
    {"action": "stop"},
)
"""What the client sends, but for the audio, which comes before each `stop`. The second request has no `start`."""


def raw_audio(prompts: list[Prompt]) -> bytes:
    """Return a prompt as the documentation's examples have it: 22,050 samples a second, 16 bits."""
    path = next(prompt.path for prompt in prompts if prompt.name == "vm-goodbye")
    samples, rate_hz = soundfile.read(path, dtype="float32")
    wide = np.clip(soxr.resample(samples, rate_hz, 22_050) * 32767, -32768, 32767)
    return np.asarray(wide, "<i2").tobytes()


@pytest.fixture
def audio(prompts: list[Prompt]) -> bytes:
    return raw_audio(prompts)


@pytest.fixture
def url(service: RunningService) -> str:
    """Return where to connect to, with a token: browsers cannot send headers."""
    form = {"grant_type": "urn:ibm:params:oauth:grant-type:apikey", "apikey": service.key}
    with urllib.request.urlopen(f"{service.url}/identity/token", urlencode(form).encode()) as answer:
        token = json.load(answer)["access_token"]
    return f"{service.url.replace('http', 'ws', 1)}/v1/recognize?access_token={token}"


def check_session(messages: list[dict[str, Any]]) -> None:
    """See whether the service said what the documentation shows: three exchanges with the same words."""
    places = [place for place, message in enumerate(messages) if message == LISTENING]
    first, second, third = messages[1 : places[1]], messages[places[1] + 1 : places[2]], messages[places[3] :]
    assert places[:4] == [0, 2, 4, 5]
    assert messages[-1] == LISTENING
    assert len(places) == 5
    (answer,) = first
    assert list(answer) == ["result_index", "results"]
    assert [result["final"] for result in answer["results"]] == [True] * len(answer["results"])
    assert second == first
    growing = [message["results"][0] for message in third[1:-1]]
    assert growing[0]["final"] is False
    assert [result for result in growing if result["final"]] == answer["results"]
    assert [message["result_index"] for message in third[1:-1]] == sorted(
        message["result_index"] for message in third[1:-1]
    )


def test_a_client_that_waits_for_nothing(url: str, audio: bytes) -> None:
    messages: list[dict[str, Any]] = []
    with connect(url) as socket:
        for message in SESSION:
            if message == {"action": "stop"}:
                socket.send(audio)
            if message is not None:
                socket.send(json.dumps(message))
        while sum(message == LISTENING for message in messages) < 5:
            messages.append(json.loads(socket.recv(60)))
    check_session(messages)
    assert socket.close_code == 1000


def test_a_client_with_event_listeners(url: str, audio: bytes) -> None:
    """As a browser: everything happens in `onopen`, `onmessage`, `onclose`."""
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    left = list(SESSION)

    def exchange(socket: websocket.WebSocketApp) -> None:
        while left:
            message = left.pop(0)
            if message == {"action": "stop"}:
                socket.send(audio, opcode=websocket.ABNF.OPCODE_BINARY)
                socket.send(json.dumps(message))
                return
            if message is not None:
                socket.send(json.dumps(message))
        socket.close()

    def on_message(socket: websocket.WebSocketApp, text: str) -> None:
        message = json.loads(text)
        answered = not heard.empty() and heard.queue[-1] != LISTENING
        heard.put(message)
        if message == LISTENING and answered:
            exchange(socket)

    app = websocket.WebSocketApp(url, on_open=exchange, on_message=on_message)
    thread = threading.Thread(target=app.run_forever)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    check_session(list(heard.queue))
