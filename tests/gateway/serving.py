"""A gateway on a free port of this machine, and a bucket for it."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import uvicorn

from chalicelib import settings
from chalicelib.gateway import application
from chalicelib.gateway.asgi import Application
from chalicelib.gateway.backend import Backend, BackendRequest, BackendResponse
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.gateway.metrics import Family
from chalicelib.storage import objects, spool
from infra.serving import http_server


@dataclass
class Recorder:
    """A backend that remembers what it was asked; it agrees to large bodies and answers as it is told."""

    answer: Callable[[BackendRequest], BackendResponse] = lambda request: json_response(200, {})
    requests: list[BackendRequest] = field(default_factory=list)

    def __call__(self, request: BackendRequest) -> BackendResponse:
        self.requests.append(request)
        body = spooled(request)
        if body is not None and body.pending:
            return BackendResponse(204, (), b"")
        return self.answer(request)


def json_response(status: int, document: Any, **headers: str) -> BackendResponse:
    all_headers = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return BackendResponse(status, tuple(all_headers.items()), json.dumps(document).encode())


def header(request: BackendRequest, name: str) -> str | None:
    return next((value for key, value in request.headers if key == name), None)


def spooled(request: BackendRequest) -> spool.Spooled | None:
    value = header(request, spool.HEADER.lower())
    return None if value is None else spool.read_header(value)


def body_of(request: BackendRequest) -> bytes:
    """Return the body, wherever it lies."""
    reference = spooled(request)
    return request.body if reference is None else objects.get(reference.key)


def left_in_bucket() -> list[str]:
    """Return what lies in the bucket, unfinished uploads included."""
    uploads = objects.client().list_multipart_uploads(Bucket=settings.current().bucket).get("Uploads", [])
    return [*objects.keys(""), *(f"unfinished {upload['Key']}" for upload in uploads)]


@contextlib.contextmanager
def running(app: Application) -> Iterator[int]:
    """Serve an ASGI application; give its port."""
    server = uvicorn.Server(http_server.config(app, port=0, drain_s=2))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port: int = server.servers[0].sockets[0].getsockname()[1]
        yield port
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive()


@contextlib.contextmanager
def gateway(
    backend: Backend,
    limits: GatewayLimits | None = None,
    readings: Callable[[], Iterable[Family]] | None = None,
) -> Iterator[int]:
    """Serve a gateway before `backend`; give its port."""
    built = application.build(backend, ready=lambda: True, limits=limits, readings=readings)
    with running(built) as port:
        yield port


def wait_until(condition: Callable[[], object], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    **options: Any,
) -> Answer:
    """Send one request as `http.client` does and read the whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, dict(headers or {}), **options)
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            received += data
    return received


def is_watson_error(answer: Answer, code: int) -> bool:
    return (
        answer.status == code
        and answer.headers["Content-Type"] == "application/json"
        and list(answer.json) == ["code_description", "code", "error"]
        and answer.json["code"] == code
        and bool(answer.json["error"])
        and bool(answer.headers["X-Global-Transaction-Id"])
    )


def listens(port: int) -> bool:
    """Tell whether something listens there."""
    with contextlib.suppress(OSError), connect(port):
        return True
    return False
