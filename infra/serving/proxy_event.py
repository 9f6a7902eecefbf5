"""A gateway request as the event that API Gateway would send to the API function, and its answer."""

from __future__ import annotations

import base64
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from chalicelib.gateway.backend import BackendRequest, BackendResponse, Headers, UnknownRoute


class RouteTable:
    """The routes of the API (`/v1/models/{model_id}`), ready to be looked up."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._by_length: dict[int, list[tuple[str, list[str]]]] = defaultdict(list)
        # A fixed segment sorts before a parameter's brace: concrete routes win, as at API Gateway.
        for pattern in sorted(patterns):
            segments = pattern.split("/")
            self._by_length[len(segments)].append((pattern, segments))

    def match(self, path: str) -> tuple[str, dict[str, str]]:
        """Return the route of a raw path, and its parameters as they were sent: percent-encoded.

        Raises:
            UnknownRoute: no route matches.
        """
        parts = path.split("/")
        for pattern, segments in self._by_length.get(len(parts), ()):
            parameters: dict[str, str] = {}
            for part, segment in zip(parts, segments, strict=True):
                if segment.startswith("{"):
                    parameters[segment[1:-1]] = part
                elif part != segment:
                    break
            else:
                if all(parameters.values()):
                    return pattern, parameters
        raise UnknownRoute(path)


def event(request: BackendRequest, routes: RouteTable) -> dict[str, Any]:
    """Return the REST proxy event (format 1.0) of a request, with its body as bytes.

    Raises:
        UnknownRoute: no route matches.
    """
    route, parameters = routes.match(request.raw_path)
    query = parse_qs(request.query_string, keep_blank_values=True) or None
    multi_headers: dict[str, list[str]] = {}
    for name, value in request.headers:
        multi_headers.setdefault(name, []).append(value)
    headers = {name: ", ".join(values) for name, values in multi_headers.items()}
    return {
        "resource": route,
        "path": request.raw_path,
        "httpMethod": request.method,
        "headers": headers,
        "multiValueHeaders": multi_headers,
        "queryStringParameters": query and {name: values[-1] for name, values in query.items()},
        "multiValueQueryStringParameters": query,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": route,
            "httpMethod": request.method,
            "path": request.raw_path,
            "stage": "front-door",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "identity": {"sourceIp": request.source_ip, "userAgent": headers.get("user-agent")},
        },
        "body": request.body or None,
        "isBase64Encoded": False,
    }


def response(answer: Mapping[str, Any]) -> BackendResponse:
    """Read the answer of a proxy integration.

    Raises:
        ValueError: it is not one.
    """
    try:
        status = int(answer["statusCode"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("not the answer of an API function") from None
    body = answer.get("body") or ""
    single: Mapping[str, Any] = answer.get("headers") or {}
    multiple: Mapping[str, list[Any]] = answer.get("multiValueHeaders") or {}
    headers: Headers = (
        *((name, str(value)) for name, value in single.items() if name not in multiple),
        *((name, str(value)) for name, values in multiple.items() for value in values),
    )
    if isinstance(body, bytes):
        return BackendResponse(status, headers, body)
    decoded = base64.b64decode(body) if answer.get("isBase64Encoded") else str(body).encode()
    return BackendResponse(status, headers, decoded)
