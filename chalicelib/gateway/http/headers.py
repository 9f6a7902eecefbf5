"""Headers on their way in and out: what is kept from either side, what every answer carries."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable

from chalicelib.gateway.backend import Headers

RawHeaders = list[tuple[bytes, bytes]]
TRANSACTION_ID = "X-Global-Transaction-Id"
WATSON_TRANSACTION_ID = "X-DP-Watson-Tran-ID"
METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = (
    "Accept, Authorization, Content-Encoding, Content-Type, Contained-Content-Type, X-Global-Transaction-Id, "
    "X-IBMCloud-SDK-Analytics, X-Requested-With, X-Watson-Authorization-Token, X-Watson-Learning-Opt-Out, "
    "X-Watson-Metadata, X-Watson-Test, X-WDC-PL-OPT-OUT"
)
_CORS: Headers = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", f"{TRANSACTION_ID}, {WATSON_TRANSACTION_ID}, Location, Retry-After"),
)
_CONNECTION = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
}
_TAKEN_BY_THE_GATEWAY = _CONNECTION | {"expect", "content-encoding"}
_FORWARDED, _FORWARDED_PREFIX = "forwarded", "x-forwarded-"
_SCHEME, _FORWARDED_HOST = "x-forwarded-proto", "x-forwarded-host"
_ID = re.compile(r"[0-9A-Za-z-]{8,64}")
_INTERNAL_PREFIX = "x-attune-"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def read(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Return the headers of a request as text, names in lower case."""
    return tuple((name.decode("latin-1").lower(), value.decode("latin-1").strip()) for name, value in raw)


def value_of(headers: Headers, name: str) -> str | None:
    """Return the values of a header (`name` in lower case), joined by commas; None if it was not sent."""
    values = [value for key, value in headers if key == name]
    return ", ".join(values) if values else None


def transaction_id(headers: Headers) -> str:
    """Return the id that the client gave its request, if it is one, else a new one."""
    given = value_of(headers, TRANSACTION_ID.lower()) or ""
    return given if _ID.fullmatch(given) else uuid.uuid4().hex


def authorised(headers: Headers, signed_query: str) -> Headers:
    """Return the headers of a request whose query is its credentials: whose it is, is known by that."""
    return (
        *(one for one in headers if one[0] != "authorization"),
        ("authorization", f"Query {signed_query}"),
    )


def for_backend(
    headers: Headers, scheme: str, body_bytes: int, transaction_id: str, *, by_proxy: bool
) -> Headers:
    """Return what the backend gets to see of a request's headers.

    What a proxy says of the client is believed `by_proxy` only: everybody else is the client himself.
    """
    kept = tuple(
        (name, value)
        for name, value in headers
        if name not in _TAKEN_BY_THE_GATEWAY
        and not name.startswith(_INTERNAL_PREFIX)
        and name != TRANSACTION_ID.lower()
        and (by_proxy or not (name.startswith(_FORWARDED_PREFIX) or name == _FORWARDED))
    )
    host = value_of(kept, _FORWARDED_HOST)
    if host is not None:
        kept = (*(one for one in kept if one[0] not in ("host", _FORWARDED_HOST)), ("host", host))
    added: Headers = (("content-length", str(body_bytes)), (TRANSACTION_ID.lower(), transaction_id))
    if value_of(kept, _SCHEME) is None:
        added += ((_SCHEME, scheme),)
    return (*kept, *added)


def for_client(headers: Headers, transaction_id: str) -> Headers:
    """Return the headers of an answer, without `Content-Length`."""
    kept = tuple(
        (name, value)
        for name, value in headers
        if name.lower() not in _CONNECTION
        and not name.lower().startswith((_INTERNAL_PREFIX, "access-control-allow-origin"))
    )
    names = {name.lower() for name, _ in kept}
    known_id = next((value for name, value in kept if name.lower() == TRANSACTION_ID.lower()), transaction_id)
    standard = ((TRANSACTION_ID, known_id), (WATSON_TRANSACTION_ID, known_id), *_CORS)
    return (*kept, *((name, value) for name, value in standard if name.lower() not in names))


def preflight(requested_headers: str | None) -> Headers:
    """Return the headers that answer a CORS preflight."""
    return (
        ("Access-Control-Allow-Methods", METHODS),
        ("Access-Control-Allow-Headers", requested_headers or ALLOWED_HEADERS),
        ("Access-Control-Max-Age", "86400"),
        ("Allow", METHODS),
    )


def write(headers: Headers) -> RawHeaders:
    """Return headers as ASGI wants them; what no header may contain is left out."""
    return [
        (name.lower().encode("latin-1"), _UNPRINTABLE.sub("", value).encode("latin-1", "replace"))
        for name, value in headers
    ]
