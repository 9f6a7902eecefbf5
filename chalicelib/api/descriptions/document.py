"""The OpenAPI document, made of the routes that are mounted and of what the descriptions say of them."""

from __future__ import annotations

import functools
import http
import re
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.api.descriptions import acoustic, evaluation, language, others, recognition, uploads, versions
from chalicelib.api.descriptions.operation import (
    GUID,
    JSON,
    TEXT,
    WHOLE,
    Answered,
    Operation,
    Schema,
    record,
    the,
)
from chalicelib.api.http import routing
from chalicelib.api.http.routing import Route

_MODULES = (recognition, uploads, acoustic, versions, language, evaluation, others)
"""In the order in which people read them."""

_TITLE, _VERSION = "Attune", "1"
_INTRODUCTION = (
    "Speech recognition that learns your acoustics without transcripts. The calls are those of Watson Speech "
    "to Text v1, with extensions; audio transcriptions are those of OpenAI's API. Everything below `/v1` "
    "also answers below `/instances/{instance_id}/v1`, and `/speech-to-text/api/v1`. "
    "Send an API key with Basic authentication (the user is `apikey`) or as a bearer token, or the access "
    "token that `POST /identity/token` makes of it. Unknown query parameters do no harm: answers tell of "
    "them."
)
_ANY_ROUTE = (400, 408, 413, 415, 429, 431, 503, 504, 507)
"""Errors of what is the same for all routes."""
_OF_CREDENTIALS = (401, 403)
_PATH: dict[str, Schema] = {"customization_id": GUID, "job_id": GUID, "upload_id": GUID}
_SHAPES: dict[str, list[str]] = {
    "watson": ["ServiceError", "PlatformError"],
    "openai": ["OpenAIError"],
    "either": ["ServiceError", "PlatformError", "OpenAIError"],
    "identity": ["IdentityError", "ServiceError"],
}
_ERROR_SCHEMAS: dict[str, Schema] = {
    "ServiceError": record({"code_description": TEXT, "code": WHOLE, "error": TEXT}),
    "PlatformError": record({"trace": TEXT, "error": TEXT, "more_info": TEXT, "code": WHOLE}),
    "IdentityError": record(
        {"errorCode": TEXT, "errorMessage": TEXT, "context": record({"requestId": TEXT})}
    ),
    "OpenAIError": record(
        {
            "error": record(
                {
                    "message": TEXT,
                    "type": TEXT,
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                }
            )
        }
    ),
}
_PARAMETER = re.compile(r"\{(\w+)\}")


class Undescribed(LookupError):
    """A route has no operation; the message says where to put one."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"{method} {path} has no Operation: add one in chalicelib/api/descriptions")


def operations() -> Mapping[tuple[str, str], Operation]:
    """Return all operations by method and path, as views declare them."""
    return {key: operation for module in _MODULES for key, operation in module.OPERATIONS.items()}


@functools.cache
def document() -> dict[str, Any]:
    """Return the document.

    Raises:
        Undescribed: a route is mounted that nothing is said of.
    """
    paths: dict[str, dict[str, Any]] = {}
    for full_path, route, operation in _described():
        summary = (route.view.__doc__ or "").strip().partition("\n")[0]
        shown = _operation(
            full_path, operation, route.view.__name__, summary, credentials=route.needs_credentials
        )
        paths.setdefault(full_path, {})[route.method.lower()] = shown
    for (method, path), operation in others.WITHOUT_VIEWS.items():
        name = re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")
        shown = _operation(path, operation, name, operation.summary, credentials=operation.credentials)
        paths.setdefault(path, {})[method.lower()] = shown
    groups = [
        one["tags"][0] for methods in paths.values() for one in methods.values() if isinstance(one, dict)
    ]
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": _VERSION, "description": _INTRODUCTION},
        "servers": [{"url": "/"}],
        "tags": [{"name": group} for group in dict.fromkeys(groups)],
        "paths": paths,
        "components": {
            "schemas": {
                **_ERROR_SCHEMAS,
                **{name: schema for module in _MODULES for name, schema in module.SCHEMAS.items()},
            },
            "responses": _errors(paths),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User `apikey`, password: the key.",
                },
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An access token, or the key itself.",
                },
            },
        },
    }


def _described() -> Iterator[tuple[str, Route, Operation]]:
    """Yield the routes with their full paths, in the order of the descriptions."""
    routes = {(route.method, route.path): route for route in routing.published()}
    known = operations()
    for method, path in routes.keys() - known.keys():
        raise Undescribed(method, path)
    for key, operation in known.items():
        if key in routes:
            yield routing.shown_path(routes[key]), routes[key], operation


def _operation(
    path: str, operation: Operation, name: str, summary: str, *, credentials: bool
) -> dict[str, Any]:
    shown: dict[str, Any] = {"tags": [operation.group], "operationId": name, "summary": summary}
    if operation.description:
        shown["description"] = operation.description
    if parameters := [*_path_parameters(path), *_parameters(operation)]:
        shown["parameters"] = parameters
    if operation.body:
        content = {media: {"schema": schema} for media, schema in operation.body.items()}
        shown["requestBody"] = {"required": operation.body_required, "content": content}
    shown["responses"] = _responses(path, operation, credentials=credentials)
    shown["security"] = [{"key": []}, {"bearer": []}] if credentials else []
    return shown


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in _PARAMETER.findall(path):
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _PATH.get(name, {"type": "string", "minLength": 1}),
        }


def _parameters(operation: Operation) -> Iterator[dict[str, Any]]:
    for place, schemas in (("query", operation.query), ("header", operation.headers)):
        for name, schema in schemas.items():
            said = {key: value for key, value in schema.items() if key != "description"}
            shown: dict[str, Any] = {"name": name, "in": place, "schema": said}
            if name in operation.required:
                shown["required"] = True
            if "description" in schema:
                shown["description"] = schema["description"]
            if schema.get("type") == "array":
                shown |= {"style": "form", "explode": False}
            yield shown


def _responses(path: str, operation: Operation, *, credentials: bool) -> dict[str, Any]:
    responses = {str(status): _response(one) for status, one in operation.answers.items()}
    named = (404,) if _PARAMETER.search(path) else ()
    statuses = {*_ANY_ROUTE, *operation.refusals, *named, *(_OF_CREDENTIALS if credentials else ())}
    for status in sorted(statuses - operation.answers.keys()):
        responses[str(status)] = {"$ref": f"#/components/responses/{operation.errors}-{status}"}
    return responses


def _errors(paths: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the errors that operations refer to."""
    references = {
        one["$ref"].rpartition("/")[2]
        for methods in paths.values()
        for operation in methods.values()
        for one in operation["responses"].values()
        if "$ref" in one
    }
    errors = {}
    for name in sorted(references):
        kind, _, status = name.partition("-")
        shapes = [the(shape) for shape in _SHAPES[kind]]
        schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
        errors[name] = _response(Answered(http.HTTPStatus(int(status)).phrase, {JSON: schema}))
    return errors


def _response(one: Answered) -> dict[str, Any]:
    shown: dict[str, Any] = {"description": one.description}
    if one.headers:
        shown["headers"] = {name: {"description": text, "schema": TEXT} for name, text in one.headers.items()}
    if one.content:
        shown["content"] = {media: {"schema": schema} for media, schema in one.content.items()}
    return shown
