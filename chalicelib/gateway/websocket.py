"""WebSocket connections: refused, in words that a client can read, until recognition speaks it."""

from __future__ import annotations

from chalicelib.gateway import headers as http_headers
from chalicelib.gateway.asgi import Receive, Scope, Send
from chalicelib.gateway.refusals import Refusal

NOT_OFFERED = Refusal(501, "WebSocket is not supported here yet: send the audio with POST /v1/recognize.")
_POLICY_VIOLATION = 1008


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer the upgrade with 501; servers that cannot carry such an answer close the handshake."""
    await receive()
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION, "reason": NOT_OFFERED.message})
        return
    response = NOT_OFFERED.response()
    transaction_id = http_headers.transaction_id(http_headers.read(scope["headers"]))
    raw = http_headers.write(http_headers.for_client(response.headers, transaction_id))
    raw.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "websocket.http.response.start", "status": response.status, "headers": raw})
    await send({"type": "websocket.http.response.body", "body": response.body, "more_body": False})
