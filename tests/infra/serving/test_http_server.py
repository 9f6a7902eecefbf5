"""Requests that are not quite HTTP, and the end of the server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus

import pytest
import uvicorn

from chalicelib.gateway import application
from chalicelib.gateway.backend import BackendRequest, BackendResponse
from infra.serving import http_server
from tests.gateway.serving import (
    Answer,
    Recorder,
    ask,
    connect,
    json_response,
    listens,
    read_all,
    running,
    wait_until,
)

GET = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n"


def test_a_client_that_is_held_back_need_not_answer_pings() -> None:
    config = http_server.config(application.build(Recorder(), ready=lambda: True))
    assert config.ws_ping_interval
    assert config.ws_ping_timeout is None


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Recorder, int]]:
    backend = Recorder()
    with running(application.build(backend, ready=lambda: True)) as port:
        yield backend, port


@pytest.fixture
def backend(served: tuple[Recorder, int]) -> Recorder:
    served[0].requests.clear()
    served[0].answer = lambda request: json_response(200, {"path": request.raw_path})
    return served[0]


@pytest.fixture
def port(served: tuple[Recorder, int]) -> int:
    return served[1]


def _exchange(port: int, *sent: bytes) -> bytes:
    with connect(port) as connection:
        for piece in sent:
            connection.sendall(piece)
        return read_all(connection)


def _is_refusal(received: bytes, status: int) -> bool:
    head, _, body = received.partition(b"\r\n\r\n")
    return (
        head.startswith(b"HTTP/1.1 %d %s\r\n" % (status, HTTPStatus(status).phrase.encode()))
        and b"x-global-transaction-id: " in head
        and b"access-control-allow-origin: *" in head
        and b"content-length: %d" % len(body) in head
        and json.loads(body)["code"] == status
    )


@pytest.mark.parametrize(
    "sent",
    [
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /v1/mod els HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /v1/caf\u00e9 HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        b"GET /v1/models HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /v1/recognize HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/recognize HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/recognize HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
def test_malformed_requests(backend: Recorder, port: int, sent: bytes) -> None:
    assert _is_refusal(_exchange(port, sent), 400)
    assert not backend.requests


def test_a_malformed_chunk_ends_the_connection(backend: Recorder, port: int) -> None:
    head = b"POST /v1/recognize HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert _is_refusal(_exchange(port, head, b"3\r\nabc\r\nxyz\r\n"), 400)
    assert not backend.requests


@pytest.mark.parametrize(
    "head",
    [
        GET + b"X-Long: " + b"a" * 70_000 + b"\r\n\r\n",
        GET + b"".join(b"X-%d: 0123456789\r\n" % number for number in range(5000)) + b"\r\n",
        b"GET /v1/models?" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_large_heads(backend: Recorder, port: int, head: bytes) -> None:
    assert _is_refusal(_exchange(port, head), 431)
    assert not backend.requests


CHUNKED = b"POST /v1/recognize HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "begun",
    [
        GET + b"X-Endless: ",
        b"GET /v1/models/",
        CHUNKED + b"3\r\nabc\r\n0\r\nX-Trailer: ",
        CHUNKED + b"3;extension=",
    ],
)
def test_endless_heads_are_cut_off(backend: Recorder, port: int, begun: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(begun)
        sent = 0
        try:
            while sent < 50_000_000:
                connection.sendall(b"a" * 10_000)
                sent += 10_000
        except ConnectionError:
            pass
        assert sent < 10_000_000


def test_reasonable_heads_pass_in_pieces(backend: Recorder, port: int) -> None:
    head = GET + b"Connection: close\r\nX-Long: " + b"a" * 60_000 + b"\r\n\r\n"
    pieces = [head[start : start + 7_000] for start in range(0, len(head), 7_000)]
    assert _exchange(port, *pieces).startswith(b"HTTP/1.1 200 OK")
    large_body = b"POST /v1/words HTTP/1.1\r\nConnection: close\r\nContent-Length: 900000\r\n"
    assert _exchange(port, large_body, b"\r\n" + bytes(900_000)).startswith(b"HTTP/1.1 200 OK")


def test_slow_heads_time_out(backend: Recorder, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with connect(port) as connection:
        connection.sendall(GET + b"\r\n")
        received = b""
        while not received.endswith(b"}"):
            received += connection.recv(4096)
        assert received.startswith(b"HTTP/1.1 200 OK")
        monkeypatch.setattr(http_server, "HEAD_TIMEOUT_S", 0.3)
        connection.sendall(GET)  # the second request of a connection, too
        assert _is_refusal(read_all(connection), 408)
    assert _exchange(port) == b""
    # Of a connection's first request something has to come in time, or nothing is said.
    attempts = (_exchange(port, GET) for _ in range(10))
    assert _is_refusal(next(filter(None, attempts), b""), 408)


def test_pipelined_requests_are_answered_in_order(backend: Recorder, port: int) -> None:
    requests = [b"GET /v1/models/%d HTTP/1.1\r\nHost: x\r\n\r\n" % number for number in range(20)]
    last = b"GET /v1/models/last HTTP/1.1\r\nConnection: close\r\n\r\n"
    received = _exchange(port, b"".join(requests) + last)
    bodies = [part[: part.index(b"}") + 1] for part in received.split(b"\r\n\r\n")[1:]]
    expected = [f"/v1/models/{number}" for number in [*range(20), "last"]]
    assert [json.loads(body)["path"] for body in bodies] == expected


def test_connections_are_kept(backend: Recorder, port: int) -> None:
    with connect(port) as connection:
        for _ in range(3):
            connection.sendall(b"POST /v1/words HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
            received = b""
            while not received.endswith(b"}"):
                received += connection.recv(4096)
            assert received.startswith(b"HTTP/1.1 200 OK")


def test_an_upgrade_to_something_else_is_ignored(backend: Recorder, port: int) -> None:
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    received = _exchange(port, GET + upgrade + b"Connection: close\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 OK")


class Held:
    """A server that has begun to answer one request, and was then told to stop."""

    def __init__(self, drain_s: int) -> None:
        self._began, self.go = threading.Event(), threading.Event()
        self.answers: list[Answer] = []
        server = uvicorn.Server(
            http_server.config(application.build(self._answer, ready=lambda: True), port=0, drain_s=drain_s)
        )
        self.thread = threading.Thread(target=server.run)
        self.thread.start()
        wait_until(lambda: server.started)
        self.port: int = server.servers[0].sockets[0].getsockname()[1]
        self.client = threading.Thread(target=self._ask)
        self.client.start()
        assert self._began.wait(60)
        server.should_exit = True

    def _answer(self, request: BackendRequest) -> BackendResponse:
        self._began.set()
        self.go.wait(120)
        return json_response(200, {"done": True})

    def _ask(self) -> None:
        self.answers.append(ask(self.port, "GET", "/v1/models"))


def test_the_end_waits_for_what_is_in_progress() -> None:
    held = Held(drain_s=60)
    wait_until(lambda: not listens(held.port))
    held.go.set()
    held.client.join(60)
    held.thread.join(60)
    assert not held.thread.is_alive()
    assert held.answers[0].json == {"done": True}


def test_the_end_does_not_wait_for_ever() -> None:
    held = Held(drain_s=1)
    held.thread.join(60)
    assert not held.thread.is_alive()
    held.client.join(60)
    held.go.set()
    assert (held.answers[0].status, held.answers[0].json["code"]) == (503, 503)


def _exchange_and_say_no_more(port: int, sent: bytes) -> bytes:
    with connect(port) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return read_all(connection)


def test_who_has_said_all_is_answered(backend: Recorder, port: int) -> None:
    body = b"POST /v1/acoustic_customizations HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    for sent in (GET + b"\r\n", body, GET.replace(b"1.1", b"1.0") + b"\r\n"):
        answer = _exchange_and_say_no_more(port, sent)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b'{"path": "/v1/' in answer


def test_who_has_said_all_of_several_requests_is_answered_each(backend: Recorder, port: int) -> None:
    answers = _exchange_and_say_no_more(port, (GET + b"\r\n") * 3)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 3


def test_who_breaks_off_is_gone(backend: Recorder, port: int) -> None:
    post = b"POST /v1/acoustic_customizations HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{}"
    assert _exchange_and_say_no_more(port, post) == b""
    assert backend.requests == []
