"""Large answers: compressed for who accepts that, fetched from the bucket where Lambda cannot carry them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
import requests
from chalice.app import Chalice

from chalicelib.api.http.compression import COMPRESSED_FROM_BYTES, LAMBDA_BYTES, accepts_gzip
from chalicelib.api.http.routing import Routes, every_answer
from chalicelib.gateway.backend import BackendRequest, BackendResponse
from infra.serving.chalice_backend import ChaliceBackend

LARGE = {"words": ["zorblatt"] * (LAMBDA_BYTES // 8)}
SMALL = {"words": ["zorblatt"] * 10}


@pytest.fixture(scope="module")
def backend() -> Iterator[ChaliceBackend]:
    app = Chalice(app_name="large")
    app.api.binary_types = ["*/*"]
    app.register_middleware(every_answer, "http")
    routes = Routes()
    routes.route("GET", "/large", needs_credentials=False)(lambda call: LARGE)
    routes.route("GET", "/small", needs_credentials=False)(lambda call: SMALL)
    routes.mount(app)
    yield ChaliceBackend(app)


def get(
    backend: ChaliceBackend, path: str, *headers: tuple[str, str]
) -> tuple[BackendResponse, dict[str, str]]:
    answer = backend(BackendRequest("GET", f"/v1/{path}", "", headers, b"", "127.0.0.1"))
    return answer, {name.lower(): value for name, value in answer.headers}


def test_a_large_answer_is_compressed_for_who_accepts_that(
    backend: ChaliceBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "attune")
    answer, headers = get(
        backend, "large", ("accept-encoding", "gzip, deflate, br"), ("accept", "application/json")
    )
    assert (answer.status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
    assert headers["content-type"] == "application/json"
    assert headers["x-global-transaction-id"]
    assert len(answer.body) < COMPRESSED_FROM_BYTES
    assert json.loads(gzip.decompress(answer.body)) == LARGE


def test_a_client_that_accepts_nothing_gets_it_plain(backend: ChaliceBackend) -> None:
    answer, headers = get(backend, "large")
    assert json.loads(answer.body) == LARGE
    assert "content-encoding" not in headers


def test_what_lambda_cannot_carry_is_fetched_from_the_bucket(
    account: None, backend: ChaliceBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "attune")
    answer, headers = get(backend, "large", ("accept-encoding", "gzip;q=0"))
    said = json.loads(answer.body)
    assert (answer.status, said["code"], said["code_description"]) == (303, 303, "See Other")
    assert "--location" in said["error"]
    assert headers["x-global-transaction-id"]
    assert "X-Amz-Expires=3600" in headers["location"]
    fetched = requests.get(headers["location"], timeout=60)
    assert fetched.json() == LARGE
    assert fetched.headers["content-type"] == "application/json"


def test_it_lies_there_as_it_would_have_been_sent(
    account: None, backend: ChaliceBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "attune")
    monkeypatch.setattr("chalicelib.api.http.compression.LAMBDA_BYTES", 1000)
    answer, headers = get(backend, "large", ("accept-encoding", "gzip"))
    assert answer.status == 303
    assert "content-encoding" not in headers, "of what says where it is"
    fetched = requests.get(headers["location"], timeout=60)
    assert fetched.headers["content-encoding"] == "gzip"
    assert json.loads(fetched.content) == LARGE, "read by the client, as every client does"


def test_a_small_answer_stays_as_it_is(backend: ChaliceBackend) -> None:
    answer, headers = get(backend, "small", ("accept-encoding", "gzip"))
    assert json.loads(answer.body) == SMALL
    assert "content-encoding" not in headers


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("*;q=0", False),
    ],
)
def test_what_a_client_accepts(header: str, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
