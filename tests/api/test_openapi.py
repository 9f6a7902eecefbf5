"""The description of the service: nothing is missing in it, and nothing stands there that is not so."""

from __future__ import annotations

import ast
import html.parser
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import validate

import app
from chalicelib.api.descriptions import document, others
from chalicelib.api.descriptions.document import Undescribed, operations
from chalicelib.api.descriptions.page import page
from chalicelib.api.http import routing
from chalicelib.api.http.routing import Route
from chalicelib.recognition.request import parameters
from tests import described
from tests.api.calling import send

API = Path(routing.__file__).parent.parent


def test_the_description_is_openapi() -> None:
    answer = send("GET", "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    validate(answer.json)
    assert answer.json["openapi"] == "3.1.0"


def test_every_route_is_described() -> None:
    paths = send("GET", "/openapi.json").json["paths"]
    own = {path for path in app.app.routes if not path.startswith(("/instances", "/speech-to-text"))}
    served = {(path, method.lower()) for path in own for method in app.app.routes[path]}
    gateway = {(path, method.lower()) for method, path in others.WITHOUT_VIEWS}
    assert {(path, method) for path, methods in paths.items() for method in methods} == served | gateway
    assert all(operation["summary"] for methods in paths.values() for operation in methods.values())


def test_a_route_that_nothing_is_said_of_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    stray = Route("GET", "/stray", lambda call: {}, ("/v1",), True)
    monkeypatch.setattr(routing, "_published", {**routing._published, ("GET", "/stray"): stray})
    document.document.cache_clear()
    try:
        with pytest.raises(Undescribed, match="GET /stray has no Operation: add one in"):
            document.document()
    finally:
        document.document.cache_clear()


def test_nothing_is_described_that_is_not_there() -> None:
    mounted = {(route.method, route.path) for route in routing.published()}
    assert operations().keys() == mounted


def test_every_query_parameter_that_is_read_is_described() -> None:
    written = {name for operation in operations().values() for name in operation.query}
    assert set(_read()) <= written
    for method, path, interface in (("POST", "/recognize", "sync"), ("POST", "/recognitions", "async")):
        assert parameters.QUERY[interface] <= operations()[method, path].query.keys()  # type: ignore[index]


def _read() -> Iterator[str]:
    """Yield the names of query parameters that views read by the functions that are there for it."""
    for file in API.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                literal = node.args[1] if len(node.args) > 1 else None
                reads = node.func.attr in ("text", "boolean", "number")
                if reads and isinstance(literal, ast.Constant) and isinstance(literal.value, str):
                    yield literal.value


class _Page(html.parser.HTMLParser):
    """What a page refers to."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        values = dict(attributes)
        assert not values.keys() & {"src", "srcset", "style", "onclick"}
        self.ids += [str(values["id"])] if "id" in values else []
        self.links += [str(values["href"])] if "href" in values else []


def test_the_page_shows_every_route_and_asks_nobody_for_anything() -> None:
    answer = send("GET", "/docs")
    text = answer.body.decode()
    parsed = _Page()
    parsed.feed(text)
    assert "script" not in parsed.tags
    assert len(parsed.ids) == len(set(parsed.ids))
    for link in parsed.links:
        assert link == "openapi.json" or link.removeprefix("#") in parsed.ids
    for path in document.document()["paths"]:
        assert f"<code>{path}</code>" in text
    policy = answer.headers["content-security-policy"]
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[^']+'; .*frame-ancestors 'none'", policy)
    assert page()[0] == text


@pytest.mark.parametrize(
    ("status", "body", "problem"),
    [
        (418, {}, "418 is not described"),
        (200, {"models": [{"name": 5}]}, "is not valid under any"),
        (200, "not an object", "is not valid under any"),
    ],
)
def test_an_answer_of_another_shape_is_found_out(status: int, body: object, problem: str) -> None:
    with pytest.raises(AssertionError, match=problem):
        described.check("GET", "/v1/models?x=1", status, "application/json", json.dumps(body).encode())
    with pytest.raises(AssertionError, match="is described as"):
        described.check("GET", "/instances/x/v1/models", 200, "text/plain", b"")
