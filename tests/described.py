"""Answers compared with what the description of the service says of them."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from jsonschema import Draft202012Validator

from chalicelib.api.descriptions.document import document

_PREFIXES = re.compile(r"^(?:/instances/[^/]+|/speech-to-text/api)(?=/v1)")
_WITHOUT_BODY = (204, 304)
_NEVER_DESCRIBED = {405, 500}
"""Of methods that are not there, and of faults."""


@functools.cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return what paths look like; those without parameters come first, as in routing."""
    paths = sorted(document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))), path) for path in paths]


@functools.cache
def _validator(path: str, method: str, status: str, media: str) -> Draft202012Validator | None:
    described = document()
    response = described["paths"][path][method]["responses"][status]
    if "$ref" in response:
        response = described["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response.get("content", {})
    assert media in content, f"{method} {path}: {status} is described as {list(content)}, not {media}"
    schema = content[media]["schema"]
    return Draft202012Validator({**schema, "components": described["components"]})


def check(method: str, target: str, status: int, content_type: str, body: bytes) -> None:
    """Compare one answer.

    Raises:
        AssertionError: its status, its type or its shape is not among those that are described.
    """
    path = _PREFIXES.sub("", target.partition("?")[0])
    found = next((named for pattern, named in _patterns() if pattern.fullmatch(path)), None)
    methods: dict[str, Any] = {} if found is None else document()["paths"][found]
    if found is None or method.lower() not in methods or status in _NEVER_DESCRIBED:
        return
    statuses = methods[method.lower()]["responses"]
    if status == 204 and "204" not in statuses:
        return  # the front door is told that it may take the body
    assert str(status) in statuses, f"{method} {found}: {status} is not described: {body[:300]!r}"
    if status in _WITHOUT_BODY:
        return
    validator = _validator(found, method.lower(), str(status), content_type.partition(";")[0])
    assert validator is not None
    is_json = content_type.startswith("application/json")
    document_of = json.loads(body) if is_json else body.decode("latin-1")
    problem = next(iter(validator.iter_errors(document_of)), None)
    assert problem is None, f"{method} {found}: {status}: {problem.message} at {problem.json_path}"
