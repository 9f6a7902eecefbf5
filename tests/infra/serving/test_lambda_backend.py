"""The API function behind Lambda's Invoke API, which is emulated here with the real Chalice inside."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import boto3
import pytest
from botocore.config import Config
from chalice.local import LambdaContext

from chalicelib.gateway.backend import BackendTimedOut, BackendUnavailable, UnknownRoute
from infra.serving.lambda_backend import FunctionFailed, LambdaBackend
from tests.http_servers import serving
from tests.infra.serving.test_chalice_backend import BODIES, CONTENT_TYPES, application, request

Answer = tuple[int, dict[str, str], bytes]


class Invocations:
    """Lambda's Invoke API for one function: JSON in, JSON out."""

    def __init__(self) -> None:
        self.app = application()
        self.answer: Callable[[bytes], Answer] = self.invoke

    def invoke(self, payload: bytes) -> Answer:
        context = LambdaContext("api", 1024, 30_000)
        return 200, {}, json.dumps(self.app(json.loads(payload), context)).encode()


@pytest.fixture(scope="module")
def emulation() -> Iterator[tuple[Invocations, int]]:
    invocations = Invocations()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/2015-03-31/functions/attune-api/invocations"
            status, headers, body = invocations.answer(payload)
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    with serving(Handler) as port:
        yield invocations, port


@pytest.fixture
def invocations(emulation: tuple[Invocations, int]) -> Iterator[Invocations]:
    yield emulation[0]
    emulation[0].answer = emulation[0].invoke


def _backend(emulation: tuple[Invocations, int], read_timeout_s: float) -> LambdaBackend:
    client = boto3.client(
        "lambda",
        endpoint_url=f"http://127.0.0.1:{emulation[1]}",
        config=Config(read_timeout=read_timeout_s, retries={"total_max_attempts": 1}),
    )
    return LambdaBackend(client, "attune-api", emulation[0].app.routes)


@pytest.fixture
def backend(emulation: tuple[Invocations, int]) -> LambdaBackend:
    return _backend(emulation, read_timeout_s=60)


@pytest.mark.parametrize("headers", CONTENT_TYPES)
@pytest.mark.parametrize("body", BODIES)
def test_bytes_arrive_unharmed(backend: LambdaBackend, headers: dict[str, str], body: bytes) -> None:
    response = backend(request("POST", "/v1/audio/a%20b", body, **headers))
    assert response.status == 201, response.body
    document = json.loads(response.body)
    assert (document["sha256"], document["name"]) == (hashlib.sha256(body).hexdigest(), "a%20b")


def test_answers_are_read_back(backend: LambdaBackend) -> None:
    response = backend(request("GET", "/v1/binary", accept="application/octet-stream"))
    assert response.body == bytes(range(256))
    response = backend(request("GET", "/v1/cookies"))
    assert [value for name, value in response.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert backend(request("PUT", "/v1/models")).status == 405


def test_unknown_routes_cost_no_call(backend: LambdaBackend, invocations: Invocations) -> None:
    def never(payload: bytes) -> Answer:
        raise AssertionError

    invocations.answer = never
    with pytest.raises(UnknownRoute):
        backend(request("GET", "/v1/nothing"))


def test_failures(backend: LambdaBackend, invocations: Invocations) -> None:
    def failing(status: int, document: Any, **headers: str) -> Callable[[bytes], Answer]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return lambda payload: (status, named, json.dumps(document).encode())

    asked = request("GET", "/v1/models")
    unhandled = {"X_Amz_Function_Error": "Unhandled"}
    invocations.answer = failing(200, {"errorMessage": "division by zero"}, **unhandled)
    with pytest.raises(FunctionFailed, match="division"):
        backend(asked)
    invocations.answer = failing(200, {"errorMessage": "x Task timed out after 60.00 seconds"}, **unhandled)
    with pytest.raises(BackendTimedOut):
        backend(asked)
    invocations.answer = failing(
        429, {"Message": "Rate exceeded"}, X_Amzn_ErrorType="TooManyRequestsException"
    )
    with pytest.raises(BackendUnavailable, match="Rate exceeded"):
        backend(asked)
    invocations.answer = failing(200, {"no": "answer"})
    with pytest.raises(ValueError, match="not the answer"):
        backend(asked)


def test_no_answer_in_time(emulation: tuple[Invocations, int], invocations: Invocations) -> None:
    go = threading.Event()

    def slow(payload: bytes) -> Answer:
        go.wait(60)
        return invocations.invoke(payload)

    invocations.answer = slow
    with pytest.raises(BackendTimedOut):
        _backend(emulation, read_timeout_s=0.5)(request("GET", "/v1/models"))
    go.set()


def test_nobody_there(emulation: tuple[Invocations, int]) -> None:
    client = boto3.client(
        "lambda", endpoint_url="http://127.0.0.1:9", config=Config(retries={"total_max_attempts": 1})
    )
    with pytest.raises(BackendUnavailable):
        LambdaBackend(client, "attune-api", ["/v1/models"])(request("GET", "/v1/models"))
