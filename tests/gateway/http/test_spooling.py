"""Large bodies: agreed beforehand, stored whole or not at all, in bounded memory."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import uvicorn

from chalicelib import settings
from chalicelib.gateway import application
from chalicelib.gateway.backend import BackendRequest, BackendResponse, BackendTimedOut
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.storage import objects
from infra.serving import http_server
from tests.gateway.serving import (
    Answer,
    Recorder,
    ask,
    body_of,
    connect,
    gateway,
    header,
    is_watson_error,
    json_response,
    left_in_bucket,
    listens,
    read_all,
    spooled,
    wait_until,
)
from tests.http_servers import serving
from tests.ports import free_port

AUDIO = "/v1/acoustic_customizations/c/audio/a"
MIB = 1024 * 1024
ROOT = Path(__file__).parents[3]
PATIENT = GatewayLimits(linger_s=300, linger_idle_s=300)
"""However slowly a client sends what is refused, it sees the answer."""


class Guard(Recorder):
    """A backend that agrees to nothing."""

    def __call__(self, request: BackendRequest) -> BackendResponse:
        self.requests.append(request)
        return json_response(401, {"code": 401, "error": "Unauthorized", "trace": "1", "more_info": "-"})


def test_the_backend_is_asked_first(bucket: None) -> None:
    backend = Recorder(lambda request: json_response(201, {"size": len(body_of(request))}))
    with gateway(backend) as port:
        answer = ask(port, "POST", f"{AUDIO}?b=c", bytes(2 * MIB), {"Content-Type": "audio/wav"})
    assert (answer.status, answer.json) == (201, {"size": 2 * MIB})
    asked, called = backend.requests
    for request in (asked, called):
        assert (request.method, request.raw_path, request.query_string) == ("POST", AUDIO, "b=c")
        assert header(request, "content-type") == "audio/wav"
        assert request.body == b""
    pending, stored = spooled(asked), spooled(called)
    assert pending is not None
    assert stored is not None
    assert (pending.pending, pending.size_bytes) == (True, 2 * MIB)
    assert (stored.key.startswith("spool/"), stored.size_bytes) == (True, 2 * MIB)
    assert left_in_bucket() == [stored.key]  # the backend took it; it is the backend's now


@pytest.mark.parametrize("chunked", [False, True])
def test_strangers_store_nothing(bucket: None, chunked: bool) -> None:
    backend = Guard()
    with gateway(backend, PATIENT) as port:
        body = [bytes(MIB)] * 30 if chunked else bytes(30 * MIB)
        headers = {"Transfer-Encoding": "chunked"} if chunked else {}
        answer = ask(port, "POST", AUDIO, body, headers, encode_chunked=chunked)
    assert answer.status == 401
    assert answer.headers["Connection"] == "close"
    assert len(backend.requests) == 1
    assert left_in_bucket() == []


def _head(length: int, more: str = "") -> bytes:
    return f"POST {AUDIO} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def test_go_ahead_comes_after_the_agreement(bucket: None) -> None:
    expect = "Expect: 100-continue\r\nConnection: close\r\n"
    # Nobody waits for a body that was not asked for, however patient.
    with gateway(Guard(), PATIENT) as port, connect(port) as connection:
        connection.sendall(_head(2 * MIB, expect))
        assert read_all(connection).startswith(b"HTTP/1.1 401 ")
    with gateway(Recorder()) as port, connect(port) as connection:
        connection.sendall(_head(2 * MIB, expect))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(bytes(2 * MIB))
        assert read_all(connection).startswith(b"HTTP/1.1 200 ")
    with gateway(Recorder(), PATIENT) as port, connect(port) as connection:
        connection.sendall(_head(101 * MIB, expect))
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("chunked", [False, True])
def test_clients_that_send_first_see_the_413(bucket: None, chunked: bool) -> None:
    size = 100 * MIB + 1
    piece = bytes(MIB)
    with gateway(Recorder(), PATIENT) as port:
        if chunked:
            pieces = (piece if i < 100 else b"1" for i in range(101))
            answer = ask(port, "POST", AUDIO, pieces, {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        else:
            answer = ask(port, "POST", AUDIO, bytes(size))
        assert is_watson_error(answer, 413)
        assert str(100 * MIB) in answer.json["error"]
    assert left_in_bucket() == []


def test_endless_bodies_are_cut_off(bucket: None) -> None:
    limits = GatewayLimits(inline_bytes=1000, body_bytes=MIB, part_bytes=MIB, linger_s=2)
    with gateway(Recorder(), limits) as port, connect(port) as connection:
        connection.sendall(f"POST {AUDIO} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        sent = 0
        with pytest.raises((ConnectionError, TimeoutError)):
            while sent < 200 * MIB:
                connection.sendall(chunk)
                sent += len(chunk)
        assert sent < 50 * MIB
    assert left_in_bucket() == []


@pytest.mark.parametrize("sent_bytes", [10, 3 * MIB, 20 * MIB])
def test_a_client_that_leaves_leaves_nothing(
    bucket: None, sent_bytes: int, caplog: pytest.LogCaptureFixture
) -> None:
    backend = Recorder()
    with gateway(backend) as port:
        with connect(port) as connection:
            connection.sendall(_head(50 * MIB))
            connection.sendall(bytes(sent_bytes))
            wait_until(lambda: backend.requests)
            if sent_bytes > 10 * MIB:
                wait_until(left_in_bucket)
        wait_until(lambda: not left_in_bucket())
        assert ask(port, "GET", "/health").status == 200
    assert all(body is not None and body.pending for body in map(spooled, backend.requests))
    assert left_in_bucket() == []
    assert not caplog.records


def test_the_end_of_the_server_leaves_nothing(bucket: None) -> None:
    limits = GatewayLimits(part_bytes=MIB)
    server = uvicorn.Server(
        http_server.config(
            application.build(Recorder(), ready=lambda: True, limits=limits), port=0, drain_s=1
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until(lambda: server.started)
    with connect(server.servers[0].sockets[0].getsockname()[1]) as connection:
        connection.sendall(_head(50 * MIB))
        connection.sendall(bytes(5 * MIB))
        wait_until(left_in_bucket)
        server.should_exit = True
        assert b"HTTP/1.1 503 " in read_all(connection)
    thread.join(60)
    assert not thread.is_alive()
    assert left_in_bucket() == []


@pytest.mark.parametrize("status", [400, 409, 500])
def test_what_the_backend_does_not_take_is_removed(bucket: None, status: int) -> None:
    backend = Recorder(lambda request: json_response(status, {"code": status, "error": "no"}))
    with gateway(backend) as port:
        for path in (AUDIO, "/v1/recognize"):
            assert ask(port, "POST", path, bytes(2 * MIB)).status == status
    assert left_in_bucket() == []


def test_what_the_backend_may_still_work_on_stays(bucket: None) -> None:
    def slow(request: BackendRequest) -> BackendResponse:
        raise BackendTimedOut

    with gateway(Recorder(slow)) as port:
        assert is_watson_error(ask(port, "POST", AUDIO, bytes(2 * MIB)), 504)
    assert len(left_in_bucket()) == 1


class _FailingStore(BaseHTTPRequestHandler):
    """Passes multipart uploads of which some part fails."""

    protocol_version = "HTTP/1.1"
    full = False
    calls: list[str]

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _handle(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.calls.append(f"{self.command} {self.path.partition('?')[2].split('&')[0]}")
        if self.command == "POST" and "uploads" in self.path:
            self._answer(
                200, b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            )
        elif self.command == "PUT":
            code = b"InsufficientStorage" if self.full else b"InvalidRequest"
            self._answer(507 if self.full else 400, b"<Error><Code>%s</Code></Error>" % code)
        else:
            self._answer(204 if self.command == "DELETE" else 200, b"")

    do_POST = do_PUT = do_DELETE = do_GET = _handle  # noqa: N815

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def failing_store(object_store: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_FailingStore]]:
    handler = type("Handler", (_FailingStore,), {"calls": []})
    with serving(handler) as port:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        objects.client.cache_clear()
        yield handler
        objects.client.cache_clear()


@pytest.mark.parametrize(("full", "status"), [(False, 503), (True, 507)])
@pytest.mark.parametrize("size", [2 * MIB, 20 * MIB])
def test_a_store_that_fails(failing_store: type[_FailingStore], full: bool, status: int, size: int) -> None:
    failing_store.full = full
    backend = Recorder()
    with gateway(backend, PATIENT) as port:
        answer = ask(port, "POST", AUDIO, bytes(size))
    assert is_watson_error(answer, status)
    assert (answer.headers["Retry-After"] is not None) == (status == 503)
    assert len(backend.requests) == 1
    if size > 8 * MIB:
        assert "DELETE uploadId=u" in failing_store.calls
    assert failing_store.calls[-1] == "POST delete"


def test_a_store_that_is_not_there(object_store: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    objects.client.cache_clear()
    try:
        with gateway(Recorder(), PATIENT) as port:
            assert is_watson_error(ask(port, "POST", AUDIO, bytes(2 * MIB)), 503)
    finally:
        objects.client.cache_clear()


def test_uploads_wait_for_their_turn(bucket: None) -> None:
    limits = replace(PATIENT, uploads=1, uploads_waiting=1, upload_wait_s=300, part_bytes=MIB)
    with gateway(Recorder(), limits) as port, connect(port) as slow:
        slow.sendall(_head(3 * MIB, "Connection: close\r\n") + bytes(2 * MIB))
        wait_until(left_in_bucket)
        answers: list[Answer] = []
        waiting = [
            threading.Thread(target=lambda: answers.append(ask(port, "POST", AUDIO, bytes(2 * MIB))))
            for _ in range(2)
        ]
        for thread in waiting:
            thread.start()
        wait_until(lambda: answers)
        assert is_watson_error(answers[0], 503)
        assert answers[0].headers["Retry-After"] == "5"
        slow.sendall(bytes(MIB))
        assert read_all(slow).startswith(b"HTTP/1.1 200 ")
        for thread in waiting:
            thread.join(60)
        assert [answer.status for answer in answers] == [503, 200]


def test_slow_clients_hold_nobody_up(bucket: None) -> None:
    with contextlib.ExitStack() as clients, gateway(Recorder()) as port:
        for _ in range(20):
            slow = clients.enter_context(connect(port))
            slow.sendall(_head(3 * MIB, "Connection: close\r\n") + bytes(MIB + 1000))
        assert ask(port, "POST", AUDIO, bytes(2 * MIB)).status == 200
        slow.sendall(bytes(2 * MIB - 1000))
        assert read_all(slow).startswith(b"HTTP/1.1 200 ")


def test_what_is_collected_in_files_is_stored_as_it_came(bucket: None) -> None:
    limits = GatewayLimits(inline_bytes=1000, part_bytes=5 * MIB, write_bytes=100_000)
    backend = Recorder(lambda request: json_response(200, {"md5": hashlib.md5(body_of(request)).hexdigest()}))
    with gateway(backend, limits) as port:
        for size in (99_999, 100_000, 100_001, 5 * MIB, 5 * MIB + 1, 11 * MIB + 7):
            body = os.urandom(size)
            answer = ask(port, "POST", AUDIO, body)
            assert answer.json == {"md5": hashlib.md5(body).hexdigest()}, size


_SERVER = """
import sys, uvicorn
from chalicelib.gateway import application
from infra.serving import http_server
from tests.gateway.serving import Recorder
server = uvicorn.Server(http_server.config(application.build(Recorder(), ready=lambda: True), port=int(sys.argv[1])))
server.run()
"""


def _memory_kib(process: int, field: str) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(field))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory by /proc")
@pytest.mark.parametrize("chunked", [False, True])
def test_memory_stays_small(bucket: None, object_store: str, chunked: bool) -> None:
    port = free_port()
    environment = os.environ | {"AWS_ENDPOINT_URL": object_store, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, "-c", _SERVER, str(port)], env=environment, cwd=ROOT)
    try:
        wait_until(lambda: listens(port), 120)
        ask(port, "POST", AUDIO, bytes(2 * MIB))
        before = _memory_kib(server.pid, "VmRSS:")
        piece = os.urandom(MIB)
        headers = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(100 * MIB)}
        answer = ask(port, "POST", AUDIO, (piece for _ in range(100)), headers, encode_chunked=chunked)
        assert answer.status == 200
        grown_mib = (_memory_kib(server.pid, "VmHWM:") - before) / 1024
        assert grown_mib < 60
    finally:
        server.terminate()
        assert server.wait(60) in (0, -15)
    stored = [
        objects.client().head_object(Bucket=settings.current().bucket, Key=key) for key in left_in_bucket()
    ]
    assert sorted(one["ContentLength"] for one in stored) == [2 * MIB, 100 * MIB]
