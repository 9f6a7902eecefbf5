"""Recognitions that take long: spaces while they last, and what comes after them."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator

import pytest

from chalicelib.gateway.backend import BackendRequest, BackendResponse, BackendTimedOut
from chalicelib.gateway.limits import GatewayLimits
from tests.gateway.serving import (
    Recorder,
    ask,
    connect,
    gateway,
    json_response,
    left_in_bucket,
    read_all,
    spooled,
    wait_until,
)

RESULTS = {"result_index": 0, "results": []}
LARGE = bytes(2 * 1024 * 1024)


class Recognizer(Recorder):
    """A backend that answers once it is let go."""

    def __init__(self) -> None:
        super().__init__(self._recognize)
        self.go = threading.Event()
        self.done = 0
        self.outcome: BackendResponse | Exception = json_response(200, RESULTS)

    def _recognize(self, request: BackendRequest) -> BackendResponse:
        assert self.go.wait(60)
        self.done += 1
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def backend() -> Recognizer:
    return Recognizer()


@pytest.fixture
def port(backend: Recognizer, bucket: None) -> Iterator[int]:
    limits = GatewayLimits(keep_alive_s=0.05, recognition_threads=1, recognition_waiting=1)
    with gateway(backend, limits) as port:
        yield port
        backend.go.set()


def _request(version: str = "1.1", body: bytes = b"RIFF") -> bytes:
    head = f"POST /speech-to-text/api/v1/recognize HTTP/{version}\r\nHost: x\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("body", [b"RIFF", LARGE])
def test_spaces_come_before_the_results(backend: Recognizer, port: int, body: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(_request(body=body))
        received = b""
        while received.count(b"1\r\n \r\n") < 3:
            received += connection.recv(4096)
        assert not backend.done
        backend.go.set()
        received += read_all(connection)
    head, _, chunks = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: application/json" in head
    assert b"x-global-transaction-id: " in head
    spaces, _, last = chunks.rpartition(b"1\r\n \r\n")
    assert spaces.replace(b"1\r\n \r\n", b"") == b""
    text = json.dumps(RESULTS).encode()
    assert last == b"%x\r\n%s\r\n0\r\n\r\n" % (len(text), text)


def test_quick_answers_have_no_spaces(backend: Recognizer, bucket: None) -> None:
    backend.go.set()
    with gateway(backend, GatewayLimits(keep_alive_s=3600)) as port:  # every answer is quick
        answer = ask(port, "POST", "/v1/recognize", b"RIFF")
        assert answer.body == json.dumps(RESULTS).encode()
        assert answer.headers["Content-Length"] == str(len(answer.body))
        backend.outcome = json_response(400, {"code": 400, "error": "unable to transcode"})
        assert ask(port, "POST", "/v1/recognize", b"RIFF").status == 400


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (json_response(400, {"code": 400, "error": "No speech detected for 30s."}), 400),
        (BackendTimedOut(), 504),
        (RuntimeError("boom"), 500),
    ],
)
def test_a_late_error_is_inside_the_body(
    backend: Recognizer, port: int, outcome: BackendResponse | Exception, code: int
) -> None:
    backend.outcome = outcome
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", "/v1/recognize", LARGE)
        response = connection.getresponse()
        assert response.status == 200
        assert response.read(1) == b" "
        assert not backend.done
        backend.go.set()  # from here on it is late
        document = json.loads(response.read())
    assert document["code"] == code
    assert document["error"]
    assert bool(left_in_bucket()) == isinstance(outcome, BackendTimedOut)


def test_old_clients_wait_in_silence(backend: Recognizer, port: int) -> None:
    threading.Timer(0.3, backend.go.set).start()
    with connect(port) as connection:
        connection.sendall(_request("1.0"))
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == json.dumps(RESULTS).encode()


def test_nobody_else_is_kept_alive(backend: Recognizer, port: int) -> None:
    threading.Timer(0.3, backend.go.set).start()
    answer = ask(port, "POST", "/v1/recognitions", b"RIFF")
    assert answer.body == json.dumps(RESULTS).encode()


@pytest.mark.parametrize(
    ("path", "accept"), [("/v1/recognize", "text/vtt"), ("/v1/audio/transcriptions", "*/*")]
)
def test_nothing_stands_before_subtitles_and_answers_of_another_shape(
    backend: Recognizer, port: int, path: str, accept: str
) -> None:
    threading.Timer(0.3, backend.go.set).start()
    answer = ask(port, "POST", path, b"RIFF", {"Accept": accept})
    assert answer.body == json.dumps(RESULTS).encode()


def test_work_for_a_client_that_left_is_abandoned(backend: Recognizer, port: int) -> None:
    running = connect(port)
    running.sendall(_request())
    wait_until(lambda: backend.requests)
    waiting = connect(port)
    waiting.sendall(_request(body=LARGE))
    wait_until(lambda: any(body and body.pending for body in map(spooled, backend.requests)))
    wait_until(left_in_bucket)
    assert waiting.recv(1000)  # a space: it waits for its turn
    waiting.close()
    wait_until(lambda: not left_in_bucket())
    running.close()
    backend.go.set()
    wait_until(lambda: backend.done == 1)
    assert ask(port, "POST", "/v1/recognize", b"RIFF").status == 200
    assert backend.done == 2  # the one that waited was never done
