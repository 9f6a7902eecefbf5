from __future__ import annotations

import base64
import threading
from typing import Any

import pytest

from chalicelib.gateway.backend import BackendRequest, BackendResponse
from chalicelib.gateway.limits import MIB, GatewayLimits
from tests.gateway.serving import ask, connect, gateway, is_watson_error, json_response, wait_until

LIMITS = GatewayLimits(backend_threads=4, backend_waiting=4, recognition_threads=4, recognition_waiting=4)
WAV = {"Content-Type": "audio/wav"}


def key(name: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"apikey:{name}".encode()).decode()}


class _Api:
    """Knows owners by their keys, and takes its time with recognitions until it may go on."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun: list[str] = []

    def __call__(self, request: BackendRequest) -> BackendResponse:
        authorization = dict(request.headers).get("authorization", "")
        name = base64.b64decode(authorization.removeprefix("Basic ")).decode().removeprefix("apikey:")
        owner = (("X-Attune-Owner", name.split("-")[0]),)
        if request.raw_path.endswith("/recognize"):
            self.begun.append(name)
            self.go.wait(60)
        answer = json_response(200, {})
        return BackendResponse(answer.status, (*answer.headers, *owner), answer.body)


def test_owners_have_shares_and_are_told_when_theirs_are_taken() -> None:
    api = _Api()
    answers: list[Any] = []

    def recognize(port: int, name: str) -> None:
        answers.append(ask(port, "POST", "/v1/recognize", bytes(1000), {**WAV, **key(name)}))

    with gateway(api, LIMITS) as port:
        for name in ("greedy-1", "greedy-2", "modest"):
            assert ask(port, "GET", "/v1/models", headers=key(name)).status == 200
        threads = [threading.Thread(target=recognize, args=(port, f"greedy-{1 + n % 2}")) for n in range(7)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(answers) == 3)  # two run and two wait: that is his share, with either key
        assert all(is_watson_error(answer, 429) for answer in answers)
        assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
        threads.append(threading.Thread(target=recognize, args=(port, "modest")))
        threads[-1].start()
        wait_until(lambda: "modest" in api.begun)
        assert ask(port, "GET", "/v1/models", headers=key("greedy-1")).status == 200
        api.go.set()
        for thread in threads:
            thread.join(60)
    assert sorted(answer.status for answer in answers) == [200] * 5 + [429] * 3


def test_nobody_sees_whose_request_it_was() -> None:
    with gateway(_Api(), LIMITS) as port:
        answer = ask(port, "GET", "/v1/models", headers=key("one"))
    assert not [name for name in answer.headers if name.lower().startswith("x-attune")]


def test_bodies_of_one_owner_hold_so_much_of_the_disk(bucket: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_OWNER_TEMPORARY_BYTES", str(3 * MIB))

    class Agreeing(_Api):
        def __call__(self, request: BackendRequest) -> BackendResponse:
            answer = super().__call__(request)
            pending = dict(request.headers).get("x-attune-body", "").startswith("pending")
            return BackendResponse(204 if pending else 200, answer.headers, b"" if pending else answer.body)

    agreeing = Agreeing()
    agreeing.go.set()
    path, headers = "/v1/acoustic_customizations/1/audio/a", {**WAV, **key("one")}
    with gateway(agreeing, LIMITS) as port:
        refused = ask(port, "POST", path, bytes(4 * MIB), headers)
        assert is_watson_error(refused, 429)
        assert int(refused.headers["Retry-After"]) > 0
        for _ in range(3):
            assert ask(port, "POST", path, bytes(2 * MIB), headers).status == 200


def test_whoever_sends_to_a_signed_url_is_known_by_its_query(
    bucket: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else all of them would share what one owner may hold."""
    monkeypatch.setenv("ATTUNE_OWNER_TEMPORARY_BYTES", str(3 * MIB))
    asked: list[str] = []

    def signed(request: BackendRequest) -> BackendResponse:
        asked.append(dict(request.headers)["authorization"])
        owner = (("X-Attune-Owner", request.query_string.removeprefix("owner=")),)
        pending = dict(request.headers).get("x-attune-body", "").startswith("pending")
        return BackendResponse(204 if pending else 200, owner, b"")

    with gateway(signed, LIMITS) as port, connect(port) as slow:
        slow.sendall(
            b"PUT /uploads/x?owner=one HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: Basic bWluZQ==\r\nContent-Length: %d\r\n\r\n" % (3 * MIB)
        )
        slow.sendall(bytes(2 * MIB))
        wait_until(lambda: asked == ["Query owner=one"])
        wait_until(lambda: ask(port, "PUT", "/uploads/y?owner=one", bytes(2 * MIB)).status == 429)
        assert ask(port, "PUT", "/uploads/z?owner=two", bytes(2 * MIB)).status == 200
