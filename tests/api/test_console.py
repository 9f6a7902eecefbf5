"""The console's pages over the API: to anybody, compressed, kept by browsers, below whatever prefix they are seen."""

from __future__ import annotations

import base64
import gzip
import json

import pytest

import app
from chalicelib import settings
from chalicelib.console import pages
from chalicelib.gateway.backend import BackendRequest
from infra.serving import proxy_event
from tests.api.calling import send


@pytest.mark.parametrize(("path", "name"), [("/", pages.WELCOME), ("/console", pages.CONSOLE)])
def test_pages_need_no_credentials(path: str, name: str) -> None:
    answer = send("GET", path)
    page = pages.page(name)
    assert page is not None
    assert (answer.status, answer.body) == (200, page.plain)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert {
        key.lower(): value for key, value in pages.headers(None).items()
    }.items() <= answer.headers.items()
    assert "set-cookie" not in answer.headers


def test_pages_may_send_to_the_store_where_clients_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_UPLOADS_TO_STORE", "true")
    policy = send("GET", "/console").headers["content-security-policy"]
    host = f"https://{settings.current().bucket}.s3.amazonaws.com"
    assert f"connect-src 'self' {host};" in policy


@pytest.mark.parametrize("name", sorted(pages.names()))
@pytest.mark.parametrize("accept", ["*/*", "text/css,*/*;q=0.1", "text/html"])
def test_files_are_compressed_for_those_who_accept_that(name: str, accept: str) -> None:
    plain = send("GET", f"/console/{name}", headers={"Accept": accept})
    small = send("GET", f"/console/{name}", headers={"Accept": accept, "Accept-Encoding": "gzip, br"})
    assert (plain.status, small.status) == (200, 200)
    assert small.headers["content-encoding"] == "gzip"
    assert gzip.decompress(small.body) == plain.body
    assert plain.headers["x-content-type-options"] == "nosniff"


def test_a_file_that_a_browser_has_is_not_sent_again() -> None:
    first = send("GET", "/console/console.js")
    again = send("GET", "/console/console.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = send("GET", "/console/console.js", headers={"If-None-Match": '"another"'})
    assert other.status == 200


@pytest.mark.parametrize("name", ["nothing.js", "pages.py", "..%2Fpages.py", "%2Fetc%2Fpasswd"])
def test_other_files_are_not_there(name: str) -> None:
    answer = send("GET", f"/console/{name}")
    assert answer.status == 404
    assert answer.json["code"] == 404
    assert "its page is at /console" in answer.json["error"]


def test_pages_only_answer_get() -> None:
    for path in ("/", "/console", "/console/console.js"):
        assert send("POST", path, b"{}").status == 405


def test_below_a_stage_of_api_gateway_pages_name_their_files_there() -> None:
    request = BackendRequest("GET", "/console", "", (("accept", "text/html"),), b"", "127.0.0.1")
    event = proxy_event.event(request, proxy_event.RouteTable(app.app.routes))
    event["requestContext"]["path"] = "/api/console"
    answer = app.app(json.loads(json.dumps(event)), None)
    assert answer["statusCode"] == 200
    assert b'src="/api/console/console.js"' in base64.b64decode(answer["body"])
