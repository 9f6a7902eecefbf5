"""The opening of a WebSocket: the API says who may recognise with what, before the connection is accepted."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode

from chalicelib import settings
from chalicelib.gateway.asgi import Scope, Send
from chalicelib.gateway.backend import BackendRequest, BackendResponse, BackendTimedOut, Headers
from chalicelib.gateway.http import headers as http_headers
from chalicelib.gateway.http import routes
from chalicelib.gateway.http.calls import Calls, timed_out
from chalicelib.gateway.http.refusals import Refusal
from chalicelib.recognition.request import options
from chalicelib.recognition.request.models import ServingModel
from chalicelib.storage import spool

_TOKENS = ("access_token", "watson-token")
_OK, _ITS_OWN_FAULT = 200, 500
_CHECKED_AGAIN_S = 5.0
"""What was asked so lately is not asked again; a key is remembered for as long elsewhere."""


@dataclass(frozen=True)
class OpenedConnection:
    """What a connection recognises with, and what its URL asks for."""

    model: ServingModel
    query: options.Parsed
    """Defaults for every request of the connection."""
    transaction_id: str
    owner: str
    admission: Admission
    base_url: str
    """Where the client has called: scheme, host and what comes before `/v1`."""


class HandshakeRefused(Exception):
    """The connection is not accepted."""

    def __init__(self, response: BackendResponse, transaction_id: str) -> None:
        super().__init__(response.status)
        self.response = response
        self.transaction_id = transaction_id


async def open_session(scope: Scope, calls: Calls) -> OpenedConnection:
    """Have the API authenticate the client and choose the model.

    Raises:
        HandshakeRefused: by the API, or because there is no WebSocket at this path.
    """
    headers = http_headers.read(scope["headers"])
    transaction_id = http_headers.transaction_id(headers)
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    path = routes.normalised(raw_path.decode("latin-1"))
    if not routes.RECOGNIZE.fullmatch(path):
        refusal = Refusal(404, "There is no WebSocket here: connect to /v1/recognize.")
        raise HandshakeRefused(refusal.response(), transaction_id)
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    request = BackendRequest(
        method="GET",
        raw_path=path,
        query_string=urlencode([pair for pair in query if pair[0] not in _TOKENS]),
        headers=_headers(headers, dict(query), scope, transaction_id),
        body=b"",
        source_ip=scope["client"][0] if scope.get("client") else "",
    )
    response = await _ask(calls, request)
    if response.status != _OK:
        raise HandshakeRefused(response, transaction_id)
    arguments: dict[str, list[str]] = {}
    for name, value in query:
        arguments.setdefault(name, []).append(value)
    model = ServingModel.from_json(json.loads(response.body))
    query_options = options.parse(arguments, "websocket")
    owner = calls.owners.of(request.headers)
    admission = Admission(calls, request)
    return OpenedConnection(model, query_options, transaction_id, owner, admission, _base_url(request))


def _base_url(request: BackendRequest) -> str:
    headers = dict(request.headers)
    before = request.raw_path.rpartition("/v1/")[0]
    return f"{headers.get('x-forwarded-proto', 'http')}://{headers.get('host', 'localhost')}{before}"


async def _ask(calls: Calls, request: BackendRequest) -> BackendResponse:
    try:
        return await calls.call(request)
    except BackendTimedOut:
        return timed_out()


class NotAdmitted(Exception):
    """The API takes no further request of a connection; the message is for the client."""


class Admission:
    """What opened a connection, asked again before each further request: a key may be revoked meanwhile."""

    def __init__(self, calls: Calls, request: BackendRequest) -> None:
        self._calls = calls
        self._request = request
        self._checked_s = time.monotonic()

    async def check(self, heard_s: float) -> None:
        """Tell the API of the audio that was heard since the last time, and ask whether more may come.

        A token that has expired since then does no harm: it is for opening connections.

        Raises:
            NotAdmitted: by the API, for instance because the key was revoked.
        """
        if not heard_s and time.monotonic() - self._checked_s < _CHECKED_AGAIN_S:
            return
        response = await _ask(self._calls, self._again(heard_s))
        if _OK < response.status < _ITS_OWN_FAULT:
            raise NotAdmitted(_message(response))
        self._checked_s = time.monotonic()

    def _again(self, heard_s: float) -> BackendRequest:
        kept = tuple(one for one in self._request.headers if one[0] != spool.HEADER.lower())
        continued = spool.write_header(spool.Spooled(spool.CONTINUED, round(heard_s)))
        return replace(self._request, headers=(*kept, (spool.HEADER.lower(), continued)))


def _message(response: BackendResponse) -> str:
    if response.status in (401, 403):
        return "The credentials of this connection are no longer valid. Connect again with others."
    document = json.loads(response.body)
    return str(document.get("error", "")) or "The service does not take the request at the moment."


def _headers(headers: Headers, query: Mapping[str, str], scope: Scope, transaction_id: str) -> Headers:
    """Return the headers for the API, which expects a token in a header and not in the query."""
    scheme = {"ws": "http", "wss": "https"}.get(scope.get("scheme", "ws"), "http")
    source_ip = scope["client"][0] if scope.get("client") else ""
    by_proxy = settings.is_proxy(source_ip)
    passed = http_headers.for_backend(headers, scheme, 0, transaction_id, by_proxy=by_proxy)
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


async def refuse(scope: Scope, send: Send, refused: HandshakeRefused) -> None:
    """Answer the upgrade with an HTTP status and Watson's error, or close it if the server cannot do so."""
    response = refused.response
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": 1008})
        return
    raw = http_headers.write(http_headers.for_client(response.headers, refused.transaction_id))
    raw.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": raw})
    await send({"type": "websocket.http.response.body", "body": response.body, "more_body": False})
