"""What the gateway answers by itself, and what it passes on."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator

import pytest

from chalicelib.gateway import application
from chalicelib.gateway.backend import (
    BackendRequest,
    BackendResponse,
    BackendTimedOut,
    BackendUnavailable,
    UnknownRoute,
)
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.storage import spool
from tests.gateway.serving import (
    Answer,
    Recorder,
    ask,
    connect,
    gateway,
    header,
    is_watson_error,
    json_response,
    read_all,
    running,
    wait_until,
)

Serve = tuple[Recorder, int]


@pytest.fixture(scope="module")
def served(object_store: str) -> Iterator[Serve]:
    backend = Recorder()
    with gateway(backend) as port:
        yield backend, port


@pytest.fixture
def backend(served: Serve) -> Recorder:
    served[0].requests.clear()
    served[0].answer = lambda request: json_response(200, {})
    return served[0]


@pytest.fixture
def port(served: Serve) -> int:
    return served[1]


def test_health_follows_readiness(object_store: str) -> None:
    ready = False
    with running(application.build(Recorder(), ready=lambda: ready)) as port:
        answer = ask(port, "GET", "/health")
        assert is_watson_error(answer, 503)
        assert answer.headers["Retry-After"] == "1"
        ready = True
        answer = ask(port, "GET", "/health/")
        assert (answer.status, answer.json) == (200, {"status": "ok"})
        assert ask(port, "HEAD", "/health").status == 200


def test_json_passes_byte_for_byte(backend: Recorder, port: int) -> None:
    body = '{"transcript":  "caf\u00e9 ",\n   "b": 1.0}'.encode()
    backend.answer = lambda request: BackendResponse(201, (("content-type", "application/json"),), body)
    answer = ask(port, "GET", "/v1/models")
    assert (answer.status, answer.body) == (201, body)
    assert answer.headers["Content-Length"] == str(len(body))


def test_request_reaches_the_backend_as_sent(backend: Recorder, port: int) -> None:
    path = "/instances/5e0c/v1/acoustic_customizations/x/audio/aud%20io%2F1%3B"
    ask(port, "POST", f"{path}?allow_overwrite=true&a=%2B", b"RIFF", {"Content-Type": "audio/wav"})
    (request,) = backend.requests
    assert (request.method, request.raw_path) == ("POST", path)
    assert request.query_string == "allow_overwrite=true&a=%2B"
    assert request.body == b"RIFF"
    assert header(request, "content-type") == "audio/wav"
    assert header(request, "content-length") == "4"
    assert header(request, "x-forwarded-proto") == "http"
    assert request.source_ip == "127.0.0.1"


FORWARDED = {
    "Host": "inside:8080",
    "X-Forwarded-Host": "stt.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "203.0.113.9",
    "Forwarded": "for=203.0.113.9",
}


def test_what_strangers_say_of_themselves_is_not_believed(backend: Recorder, port: int) -> None:
    ask(port, "GET", "/v1/models", headers=FORWARDED)
    (request,) = backend.requests
    assert header(request, "host") == "inside:8080"
    assert header(request, "x-forwarded-proto") == "http"
    assert not {name for name, _ in request.headers} & {"forwarded", "x-forwarded-for", "x-forwarded-host"}
    assert request.source_ip == "127.0.0.1"


@pytest.mark.parametrize("proxies", ["127.0.0.1", "10.0.0.0/8, 127.0.0.0/8"])
def test_what_a_proxy_says_is_believed(
    backend: Recorder, port: int, monkeypatch: pytest.MonkeyPatch, proxies: str
) -> None:
    monkeypatch.setenv("ATTUNE_PROXIES", proxies)
    ask(port, "GET", "/v1/models", headers=FORWARDED)
    (request,) = backend.requests
    assert header(request, "host") == "stt.example"
    assert header(request, "x-forwarded-proto") == "https"
    assert header(request, "x-forwarded-for") == "203.0.113.9"


@pytest.mark.parametrize("sent", ["/v1/customizations/", "//v1/customizations", "/v1/customizations"])
def test_slashes_are_forgiven(backend: Recorder, port: int, sent: str) -> None:
    assert ask(port, "POST", sent, b"{}").status == 200
    assert backend.requests[0].raw_path == "/v1/customizations"


def test_internal_headers_do_not_come_from_outside(backend: Recorder, port: int) -> None:
    forged = spool.write_header(spool.Spooled("audio/somebody/else", 5))
    ask(port, "POST", "/v1/recognize", b"x", {"X-Attune-Body": forged, "x-attune-other": "1", "X-Other": "2"})
    names = [name for name, _ in backend.requests[0].headers]
    assert "x-other" in names
    assert not [name for name in names if name.startswith("x-attune")]


def test_hop_by_hop_headers_stay_at_their_hop(backend: Recorder, port: int) -> None:
    sent = {"TE": "trailers", "Keep-Alive": "timeout=5", "Connection": "keep-alive"}
    backend.answer = lambda request: json_response(200, {}, Connection="close", Content_Length="900")
    answer = ask(port, "GET", "/v1/models", headers=sent)
    assert answer.body == b"{}"
    assert answer.headers["Content-Length"] == "2"
    assert not {"te", "keep-alive", "connection"} & {name for name, _ in backend.requests[0].headers}


def test_every_answer_carries_a_transaction_id(backend: Recorder, port: int) -> None:
    answer = ask(port, "GET", "/v1/models")
    transaction = answer.headers["X-Global-Transaction-Id"]
    assert int(transaction, 16)
    assert answer.headers["X-DP-Watson-Tran-ID"] == transaction
    assert header(backend.requests[0], "x-global-transaction-id") == transaction
    assert answer.headers["Access-Control-Allow-Origin"] == "*"

    for given, kept in (("my-own-id-1", True), ("short", False), ("no spaces in ids", False)):
        answer = ask(port, "GET", "/v1/models", headers={"X-Global-Transaction-Id": given})
        assert (answer.headers["X-Global-Transaction-Id"] == given) == kept

    backend.answer = lambda request: json_response(400, {"error": "no"}, X_Global_Transaction_Id="abc123")
    answer = ask(port, "GET", "/v1/models")
    assert answer.headers.get_all("X-Global-Transaction-Id") == ["abc123"]
    assert answer.headers["X-DP-Watson-Tran-ID"] == "abc123"


@pytest.mark.parametrize("path", ["/v1/recognize", "/nowhere/at/all", "/", "*"])
def test_preflight_on_every_path(backend: Recorder, port: int, path: str) -> None:
    wanted = {"Origin": "https://x.test", "Access-Control-Request-Method": "POST"}
    answer = ask(port, "OPTIONS", path, headers=wanted)
    assert (answer.status, answer.body) == (204, b"")
    assert "Contained-Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert "DELETE" in answer.headers["Access-Control-Allow-Methods"]
    answer = ask(port, "OPTIONS", path, headers={"Access-Control-Request-Headers": "x-mine"})
    assert answer.headers["Access-Control-Allow-Headers"] == "x-mine"
    assert not backend.requests


def test_head_is_get_without_its_body(backend: Recorder, port: int) -> None:
    backend.answer = lambda request: json_response(200, {"method": request.method})
    connection = connect(port)
    with connection:
        connection.sendall(b"HEAD /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 17" in head
    assert body == b""
    assert backend.requests[0].method == "GET"


def _raising(error: Exception) -> Callable[[BackendRequest], BackendResponse]:
    def answer(request: BackendRequest) -> BackendResponse:
        raise error

    return answer


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (UnknownRoute("/v1/x"), 404),
        (BackendUnavailable("throttled"), 503),
        (BackendTimedOut("slow"), 504),
        (ZeroDivisionError("secret detail"), 500),
    ],
)
def test_failures_of_the_backend(backend: Recorder, port: int, error: Exception, status: int) -> None:
    backend.answer = _raising(error)
    for path in ("/v1/x", "/v1/recognize"):
        answer = ask(port, "POST", path, b"1")
        assert is_watson_error(answer, status)
        assert b"secret" not in answer.body
    assert (answer.headers["Retry-After"] is not None) == (status == 503)


def test_errors_of_frameworks_are_reworded(backend: Recorder, port: int) -> None:
    chalice = {"Code": "MethodNotAllowedError", "Message": "Unsupported method: PUT"}
    backend.answer = lambda request: json_response(405, chalice, Allow="GET, POST", X_Amzn_ErrorType="x")
    answer = ask(port, "PUT", "/v1/models")
    assert is_watson_error(answer, 405)
    assert answer.json["error"] == "Unsupported method: PUT"
    assert answer.json["code_description"] == "Method Not Allowed"
    assert answer.headers["Allow"] == "GET, POST"
    assert "X-Amzn-ErrorType" not in answer.headers
    backend.answer = lambda request: BackendResponse(502, (("Content-Type", "text/html"),), b"<h1>Bad</h1>")
    assert is_watson_error(ask(port, "GET", "/v1/models"), 502)


@pytest.mark.parametrize(
    "document",
    [
        {"code_description": "Bad Request", "code": 400, "error": "No input data available for training"},
        {"trace": "1", "error": "Unauthorized", "more_info": "x", "code": 401},
        {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."},
    ],
)
def test_the_services_own_errors_pass(backend: Recorder, port: int, document: dict[str, object]) -> None:
    backend.answer = lambda request: json_response(400, document)
    assert ask(port, "GET", "/v1/models").body == json.dumps(document).encode()


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        (None, 200),
        ("*/*", 200),
        ("application/json", 200),
        ("text/plain", 200),
        ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", 200),
        ("application/json; charset=utf-8", 200),
        ("audio/wav", 406),
        ("text/html, image/png", 406),
    ],
)
def test_accept(backend: Recorder, port: int, accept: str | None, status: int) -> None:
    headers = {"Accept": accept} if accept else {}
    for method, path in (("GET", "/v1/models"), ("GET", "/v1/models/x"), ("POST", "/v1/recognize")):
        assert ask(port, method, path, headers=headers).status == status
    assert ask(port, "GET", "/v1/acoustic_customizations", headers=headers).status == 200


def test_a_full_queue_answers_503(object_store: str) -> None:
    hold = threading.Event()

    def slow(request: BackendRequest) -> BackendResponse:
        hold.wait(60)
        return json_response(200, {})

    backend = Recorder(slow)
    answers: list[Answer] = []
    with gateway(backend, GatewayLimits(backend_threads=1, backend_waiting=1)) as port:
        others = [
            threading.Thread(target=lambda: answers.append(ask(port, "GET", "/v1/models"))) for _ in range(3)
        ]
        for other in others:
            other.start()
        wait_until(lambda: answers)
        assert is_watson_error(answers[0], 503)
        assert answers[0].headers["Retry-After"] == "5"
        assert ask(port, "GET", "/health").status == 200
        hold.set()
        for other in others:
            other.join(60)
        assert [answer.status for answer in answers] == [503, 200, 200]
        assert ask(port, "GET", "/v1/models").status == 200
