"""What clients of OpenAI's API see of the gateway: its own refusals in their shape, and no spaces before answers."""

from __future__ import annotations

import json

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
