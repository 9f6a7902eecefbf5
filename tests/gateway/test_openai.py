"""What clients of OpenAI's API see of the gateway: its own refusals in their shape, and no spaces before answers."""

from __future__ import annotations

import json
import threading
from contextlib import closing
from http.client import HTTPConnection

import pytest

from chalicelib.gateway.backend import BackendRequest, BackendResponse, BackendUnavailable
from tests.gateway.serving import Recorder, ask, gateway, is_watson_error, json_response

PATH = "/v1/audio/transcriptions"
SAYS_SO = {"X-Stainless-Lang": "python"}


def _unavailable(request: BackendRequest) -> BackendResponse:
    raise BackendUnavailable("gone")


def test_a_backend_that_fails_is_an_error_of_theirs() -> None:
    with gateway(Recorder(_unavailable)) as port:
        answer = ask(port, "POST", PATH, b"RIFF")
        assert answer.status == 503
        assert answer.json["error"]["type"] == "server_error"
        assert answer.json["error"]["message"].startswith("The service is not available")
        assert answer.headers["Retry-After"]
        assert is_watson_error(ask(port, "POST", "/v1/recognize", b"RIFF"), 503)


@pytest.mark.parametrize(("headers", "theirs"), [(SAYS_SO, True), ({}, False)])
def test_the_list_of_models_fails_as_the_client_expects(headers: dict[str, str], theirs: bool) -> None:
    with gateway(Recorder(_unavailable)) as port:
        answer = ask(port, "GET", "/v1/models", headers=headers)
        assert isinstance(answer.json["error"], dict) == theirs


def test_errors_in_their_shape_pass_as_they_are() -> None:
    said = {"error": {"message": "no", "type": "invalid_request_error", "param": "model", "code": None}}
    with gateway(Recorder(lambda _: json_response(400, said))) as port:
        assert json.loads(ask(port, "POST", PATH, b"RIFF").body) == said


def test_too_large_a_body_is_an_error_of_theirs() -> None:
    with gateway(Recorder()) as port:
        answer = ask(port, "POST", PATH, headers={"Content-Length": str(101 * 1024**2)})
        assert (answer.status, answer.json["error"]["type"]) == (413, "invalid_request_error")


EVENTS = "text/event-stream"


def test_the_first_parts_of_an_answer_do_not_wait_for_the_rest() -> None:
    go_on = threading.Event()

    def answer(request: BackendRequest) -> BackendResponse:
        assert request.early is not None
        request.early(EVENTS, b"data: 1\n\n")
        assert go_on.wait(120)
        request.early(EVENTS, b"data: 2\n\n")
        return BackendResponse(200, (("Content-Type", EVENTS),), b"data: 3\n\n")

    with (
        gateway(Recorder(answer)) as port,
        closing(HTTPConnection("127.0.0.1", port, timeout=120)) as connection,
    ):
        connection.request("POST", PATH, b"RIFF")
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Type"]) == (200, EVENTS)
        assert response.headers["X-Global-Transaction-Id"]
        assert response.read(9) == b"data: 1\n\n"
        go_on.set()
        assert response.read() == b"data: 2\n\ndata: 3\n\n"


def test_an_error_behind_the_first_parts_is_an_event() -> None:
    def answer(request: BackendRequest) -> BackendResponse:
        assert request.early is not None
        request.early(EVENTS, b"data: 1\n\n")
        return _unavailable(request)

    with gateway(Recorder(answer)) as port:
        said = ask(port, "POST", PATH, b"RIFF").body.decode()
        assert said.startswith("data: 1\n\nevent: error\ndata: {")
        error = json.loads(said.removesuffix("\n\n").rpartition("data: ")[2])
        assert error["error"]["type"] == "server_error"


def test_other_routes_and_old_clients_get_whole_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Recorder()
    with gateway(backend) as port:
        ask(port, "POST", "/v1/recognize", b"RIFF")
        monkeypatch.setattr(HTTPConnection, "_http_vsn", 10)
        monkeypatch.setattr(HTTPConnection, "_http_vsn_str", "HTTP/1.0")
        ask(port, "POST", PATH, b"RIFF")
    assert [request.early for request in backend.requests] == [None, None]
