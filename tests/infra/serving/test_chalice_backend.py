"""The Chalice application in process: bytes unharmed, requests never mixed up."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import pytest
from chalice.app import BadRequestError, Blueprint, Chalice, Response

from chalicelib.gateway.backend import BackendRequest, BackendResponse, UnknownRoute
from infra.serving.chalice_backend import ChaliceBackend
from infra.serving.proxy_event import RouteTable


def _current(app: Chalice | Blueprint) -> Any:
    return app.current_request


def application() -> Chalice:
    """Return an application that tells what it was asked, some of it in a blueprint."""
    app = Chalice(app_name="echo")
    blueprint = Blueprint(__name__)

    @app.route("/v1/models", methods=["GET"])
    def models() -> dict[str, Any]:
        query = _current(app).query_params
        return {"query": query and dict(query.items())}

    @app.route("/v1/models/{name}", methods=["GET"])
    def model(name: str) -> dict[str, Any]:
        return {"name": name, "decoded": unquote(name)}

    @app.route("/v1/models/special", methods=["GET"])
    def special() -> dict[str, Any]:
        return {"special": True}

    @blueprint.route("/v1/audio/{name}", methods=["POST"], content_types=["*/*"])
    def audio(name: str) -> Response:
        request = _current(blueprint)
        digest = hashlib.sha256(request.raw_body).hexdigest()
        time.sleep(0.002)  # others get their turn in between
        return Response(
            {
                "name": name,
                "sha256": digest,
                "again": hashlib.sha256(_current(blueprint).raw_body).hexdigest(),
                "id": _current(blueprint).headers.get("x-id"),
                "path": _current(blueprint).context["path"],
                "lambda": blueprint.lambda_context is request.lambda_context,
            },
            status_code=201,
            headers={"X-Seen": str(len(request.raw_body))},
        )

    @app.route("/v1/binary", methods=["GET"])
    def binary() -> Response:
        return Response(bytes(range(256)), headers={"Content-Type": "application/octet-stream"})

    @app.route("/v1/cookies", methods=["GET"])
    def cookies() -> Response:
        return Response("text", headers={"Content-Type": "text/plain", "Set-Cookie": ["a=1", "b=2"]})

    @app.route("/v1/json", methods=["POST"])
    def json_body() -> Any:
        return _current(app).json_body

    @app.route("/v1/bad", methods=["GET"])
    def bad() -> None:
        raise BadRequestError("not like this")

    app.register_blueprint(blueprint)
    return app


def request(method: str, path: str, body: bytes = b"", query: str = "", **headers: str) -> BackendRequest:
    """Return a request; header names are written with underscores."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return BackendRequest(method, path, query, pairs, body, "127.0.0.1")


@pytest.fixture
def backend() -> ChaliceBackend:
    return ChaliceBackend(application())


def _json(response: BackendResponse) -> Any:
    return json.loads(response.body)


CONTENT_TYPES = [
    {},
    {"content_type": "audio/wav"},
    {"content_type": "application/zip"},
    {"content_type": "application/json"},
    {"content_type": "audio/l16; rate=16000"},
    {"content_type": "application/x-www-form-urlencoded"},
    {"content_type": "text/plain; charset=utf-8"},
]
BODIES = [bytes(range(256)) * 40, b"\xff\xfe\x00", b"{}", b" ", b"=", b"YWJj"]


@pytest.mark.parametrize("headers", CONTENT_TYPES)
@pytest.mark.parametrize("body", BODIES)
def test_bytes_arrive_unharmed(backend: ChaliceBackend, headers: dict[str, str], body: bytes) -> None:
    response = backend(request("POST", "/v1/audio/a", body, **headers))
    assert response.status == 201, response.body
    assert _json(response)["sha256"] == hashlib.sha256(body).hexdigest()
    assert dict(response.headers)["X-Seen"] == str(len(body))


def test_an_empty_body_is_empty(backend: ChaliceBackend) -> None:
    response = backend(request("POST", "/v1/audio/a", content_type="audio/wav"))
    assert _json(response)["sha256"] == hashlib.sha256(b"").hexdigest()


def test_answers_are_read_back(backend: ChaliceBackend) -> None:
    response = backend(request("GET", "/v1/binary", accept="application/octet-stream"))
    assert response.body == bytes(range(256))
    response = backend(request("GET", "/v1/cookies"))
    assert response.body == b"text"
    assert [value for name, value in response.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert _json(backend(request("POST", "/v1/json", b'{"a": [1]}', content_type="application/json"))) == {
        "a": [1]
    }


def test_parameters_stay_encoded_and_queries_are_decoded(backend: ChaliceBackend) -> None:
    assert _json(backend(request("GET", "/v1/models/a%20b%2Fc;d"))) == {
        "name": "a%20b%2Fc;d",
        "decoded": "a b/c;d",
    }
    assert _json(backend(request("GET", "/v1/models/special"))) == {"special": True}
    query = "keywords=a%2Cb+c&empty=&x=%C3%A9"
    assert _json(backend(request("GET", "/v1/models", query=query))) == {
        "query": {"keywords": "a,b c", "empty": "", "x": "\u00e9"}
    }
    assert _json(backend(request("GET", "/v1/models"))) == {"query": None}


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/", "/v1/nothing", "/v1/models/a/b", "/v1/models/", "/v2/models"]
)
def test_unknown_routes(backend: ChaliceBackend, path: str) -> None:
    with pytest.raises(UnknownRoute):
        backend(request("GET", path, authorization="Basic \u00e9"))


def test_chalices_own_errors_come_as_they_are(backend: ChaliceBackend) -> None:
    wrong_method = backend(request("PUT", "/v1/models"))
    assert wrong_method.status == 405
    assert dict(wrong_method.headers)["Allow"] == "GET"
    bad = backend(request("GET", "/v1/bad"))
    assert (bad.status, _json(bad)["Message"]) == (400, "not like this")


def test_two_backends_may_share_an_application() -> None:
    app = application()
    first, second = ChaliceBackend(app), ChaliceBackend(app)
    for backend in (first, second):
        assert backend(request("GET", "/v1/models")).status == 200


def test_thirty_two_clients_are_never_mixed_up(backend: ChaliceBackend) -> None:
    barrier = threading.Barrier(32)

    def client(number: int) -> None:
        barrier.wait(60)
        for turn in range(20):
            body = os.urandom(100 + number)
            name = f"{number}-{turn}"
            answer = _json(backend(request("POST", f"/v1/audio/{name}", body, x_id=name)))
            digest = hashlib.sha256(body).hexdigest()
            assert answer == {
                "name": name,
                "sha256": digest,
                "again": digest,
                "id": name,
                "path": f"/v1/audio/{name}",
                "lambda": True,
            }

    with ThreadPoolExecutor(32) as pool:
        for outcome in [pool.submit(client, number) for number in range(32)]:
            outcome.result(60)


def test_routes_prefer_what_is_fixed() -> None:
    routes = RouteTable(["/a/{x}/c", "/a/b/{y}", "/a/b/c", "/{z}/b/c", "/"])
    assert routes.match("/a/b/c") == ("/a/b/c", {})
    assert routes.match("/a/b/d") == ("/a/b/{y}", {"y": "d"})
    assert routes.match("/a/d/c") == ("/a/{x}/c", {"x": "d"})
    assert routes.match("/d/b/c") == ("/{z}/b/c", {"z": "d"})
    assert routes.match("/") == ("/", {})
