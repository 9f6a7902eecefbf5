"""One request and its answer on an ASGI connection."""

from __future__ import annotations

from chalicelib import settings
from chalicelib.gateway.asgi import Receive, Scope, Send
from chalicelib.gateway.backend import BackendResponse
from chalicelib.gateway.http import headers as http_headers
from chalicelib.gateway.http.bodies import Incoming
from chalicelib.gateway.http.refusals import JSON
from chalicelib.gateway.http.routes import normalised
from chalicelib.gateway.limits import GatewayLimits

_WITHOUT_BODY = (204, 304)


class Exchange:
    """What the client asked, and the way to answer it once."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: GatewayLimits) -> None:
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.path = normalised(raw_path.decode("latin-1"))
        self.query_string: str = scope.get("query_string", b"").decode("latin-1")
        self.headers = http_headers.read(scope["headers"])
        client = scope.get("client")
        self.source_ip: str = client[0] if client else ""
        self.can_stream: bool = scope.get("http_version") != "1.0"
        self.scheme: str = scope.get("scheme", "http")
        self.by_proxy = settings.is_proxy(self.source_ip)
        self.transaction_id = http_headers.transaction_id(self.headers)
        self.incoming = Incoming(receive, self.headers, limits)
        """The request's body, yet unread."""
        self.started = False
        """The status line has gone out."""
        self._in_events = False
        """It has, with server-sent events behind it."""

    def header(self, name: str) -> str | None:
        """Return a header of the request; `name` in lower case."""
        return http_headers.value_of(self.headers, name)

    async def disconnected(self) -> None:
        """Return when the client has gone; only once the body was read."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def send_space(self) -> None:
        """Keep the client waiting: begin a successful answer, or lengthen it, by one space."""
        if not self.started:
            start = BackendResponse(200, (("Content-Type", JSON),), b"")
            await self._send_start(start, length_bytes=None, closing=False)
        await self._send({"type": "http.response.body", "body": b" ", "more_body": True})

    async def send_early(self, content_type: str, data: bytes) -> None:
        """Begin a successful answer of server-sent events, or lengthen it."""
        if not self.started:
            # Proxies of nginx's kind would else collect what comes.
            headers = (
                ("Content-Type", content_type),
                ("Cache-Control", "no-cache"),
                ("X-Accel-Buffering", "no"),
            )
            await self._send_start(BackendResponse(200, headers, b""), length_bytes=None, closing=False)
            self._in_events = True
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def answer(self, response: BackendResponse) -> None:
        """Send the answer, or what is left of it after spaces or events; an error is then one more event.

        If the client still sends its body, the connection is closed, but only after the client had the
        time to read the answer.
        """
        body = b"" if response.status in _WITHOUT_BODY else response.body
        if self.started:
            if self._in_events and response.status >= 400:
                body = b"event: error\ndata: " + body + b"\n\n"
            await self._send({"type": "http.response.body", "body": body, "more_body": False})
            return
        unread = not self.incoming.finished
        length_bytes = None if response.status in _WITHOUT_BODY else len(body)
        await self._send_start(response, length_bytes=length_bytes, closing=unread)
        if self.method == "HEAD":
            body = b""
        if unread:
            await self._send({"type": "http.response.body", "body": body, "more_body": True})
            await self.incoming.discard()
            body = b""
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    async def _send_start(
        self, response: BackendResponse, *, length_bytes: int | None, closing: bool
    ) -> None:
        self.started = True
        raw = http_headers.write(http_headers.for_client(response.headers, self.transaction_id))
        if length_bytes is not None:
            raw.append((b"content-length", str(length_bytes).encode()))
        if closing:
            raw.append((b"connection", b"close"))
        await self._send({"type": "http.response.start", "status": response.status, "headers": raw})
