"""A request as the views see it, and what they answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from chalice.app import Request

from chalicelib.api.http.errors import BadRequest

Early = Callable[[str, bytes], None]
"""Takes the content type of an answer whose status is 200, and the next bytes of its body."""


@dataclass(frozen=True)
class Content:
    """A body that is no JSON value."""

    data: bytes
    content_type: str
    """With its charset, if it is text."""


@dataclass(frozen=True)
class Answer:
    """Status and JSON value, or `Content`, of an answer (None: no body)."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request. `owner` is empty on routes that need no credentials."""

    method: str
    route: str
    """The pattern that matched, for instance `/v1/models/{model_id}`."""
    headers: Mapping[str, str]
    """Names in lower case."""
    query: Mapping[str, tuple[str, ...]]
    path: Mapping[str, str]
    """Path parameters, percent-decoded."""
    body: bytes
    """The inline body; see `api.http.bodies` for the one that the front door has stored."""
    base_url: str
    """Scheme, host and the prefix under which the API was called; `/v1/...` follows."""
    transaction_id: str
    owner: str = ""
    early: Early | None = None
    """Sends the first parts of an answer; None: the front door is elsewhere, or the client takes none."""

    @classmethod
    def read(cls, request: Request, prefix: str, parameters: Mapping[str, str], transaction_id: str) -> Call:
        """Read a call from Chalice's request; `prefix` is the pattern of what comes before the route's path.

        Raises:
            BadRequest: the path is not UTF-8.
        """
        query = request.to_original_event().get("multiValueQueryStringParameters") or {}
        return cls(
            method=request.method,
            route=request.path,
            headers={name.lower(): value for name, value in request.headers.items()},
            query={name: tuple(values) for name, values in query.items()},
            path={name: _decoded(value) for name, value in parameters.items()},
            body=raw if isinstance(raw := request.raw_body, bytes) else raw.encode(),
            base_url=_base_url(request, prefix.format_map(parameters)),
            transaction_id=transaction_id,
            early=request.context.get("early"),
        )

    @property
    def content_type(self) -> str | None:
        """The Content-Type as it was sent; None if it was not."""
        return self.headers.get("content-type") or None


def _decoded(value: str) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("The path of the request is not percent-encoded UTF-8.") from None


def _base_url(request: Request, prefix: str) -> str:
    event = request.to_original_event()
    # API Gateway puts the name of its stage (or what a custom domain maps) before the path.
    path: str = event.get("path") or ""
    outer: str = event["requestContext"].get("path") or path
    stage = outer.removesuffix(path) if path and outer.endswith(path) else ""
    # What a proxy said of the host, the front door has put into its place.
    host = request.headers.get("host") or "localhost"
    scheme = request.headers.get("x-forwarded-proto") or "http"
    return f"{scheme}://{host}{stage}{prefix}".removesuffix("/v1")
