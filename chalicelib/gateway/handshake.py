"""The opening of a WebSocket: the API says who may recognise with what, before the connection is accepted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from chalicelib.gateway import headers as http_headers
from chalicelib.gateway import routes
from chalicelib.gateway.asgi import Scope, Send
from chalicelib.gateway.backend import BackendRequest, BackendResponse, BackendTimedOut, Headers
from chalicelib.gateway.calls import Calls, timed_out
from chalicelib.gateway.refusals import Refusal
from chalicelib.recognition import options
from chalicelib.recognition.models import ServingModel
from chalicelib.storage import spool

_TOKENS = ("access_token", "watson-token")
_OK = 200


@dataclass(frozen=True)
class Opened:
    """What a connection recognises with, and what its URL asks for."""

    model: ServingModel
    query: options.Parsed
    """Defaults for every request of the connection."""
    transaction_id: str


class Refused(Exception):
    """The connection is not accepted."""

    def __init__(self, response: BackendResponse, transaction_id: str) -> None:
        super().__init__(response.status)
        self.response = response
        self.transaction_id = transaction_id


async def open_session(scope: Scope, calls: Calls) -> Opened:
    """Have the API authenticate the client and choose the model.

    Raises:
        Refused: by the API, or because there is no WebSocket at this path.
    """
    headers = http_headers.read(scope["headers"])
    transaction_id = http_headers.transaction_id(headers)
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    path = routes.normalised(raw_path.decode("latin-1"))
    if not routes.RECOGNIZE.fullmatch(path):
        refusal = Refusal(404, "There is no WebSocket here: connect to /v1/recognize.")
        raise Refused(refusal.response(), transaction_id)
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    request = BackendRequest(
        method="GET",
        raw_path=path,
        query_string=urlencode([pair for pair in query if pair[0] not in _TOKENS]),
        headers=_headers(headers, dict(query), scope, transaction_id),
        body=b"",
        source_ip=scope["client"][0] if scope.get("client") else "",
    )
    try:
        response = await calls.call(request)
    except BackendTimedOut:
        response = timed_out()
    if response.status != _OK:
        raise Refused(response, transaction_id)
    arguments: dict[str, list[str]] = {}
    for name, value in query:
        arguments.setdefault(name, []).append(value)
    model = ServingModel.from_json(json.loads(response.body))
    return Opened(model, options.parse(arguments, "websocket"), transaction_id)


def _headers(headers: Headers, query: Mapping[str, str], scope: Scope, transaction_id: str) -> Headers:
    """Return the headers for the API, which expects a token in a header and not in the query."""
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), "http")
    passed = http_headers.for_backend(headers, scheme, 0, transaction_id)
    passed = tuple(one for one in passed if not one[0].startswith("sec-websocket-"))
    token = next((query[name] for name in _TOKENS if query.get(name)), None)
    if token is not None and http_headers.value_of(passed, "authorization") is None:
        passed = (*passed, ("authorization", f"Bearer {token}"))
    pending = spool.write_header(spool.Spooled(spool.PENDING, 0))
    return (*passed, (spool.HEADER.lower(), pending))


def accept(transaction_id: str) -> dict[str, object]:
    """Return the ASGI message that accepts a connection."""
    headers = http_headers.for_client((), transaction_id)
    return {"type": "websocket.accept", "headers": http_headers.write(headers)}


async def refuse(scope: Scope, send: Send, refused: Refused) -> None:
    """Answer the upgrade with an HTTP status and Watson's error, or close it if the server cannot do so."""
    response = refused.response
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    raw = http_headers.write(http_headers.for_client(response.headers, refused.transaction_id))
    raw.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": raw})
    await send({"type": "websocket.http.response.body", "body": response.body, "more_body": False})
