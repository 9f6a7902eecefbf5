"""uvicorn as it serves the gateway: malformed and oversized requests are answered in Watson's shape too."""

from __future__ import annotations

import asyncio
import logging
import uuid
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from chalicelib.gateway.asgi import Application
from chalicelib.gateway.http import headers as http_headers
from chalicelib.gateway.http import routes
from chalicelib.gateway.http.refusals import Refusal

MAX_HEAD_BYTES = 64 * 1024
"""Request line and headers together."""
HEAD_TIMEOUT_S = 30.0
"""From the connection, or the first byte of a later request, to the end of its headers."""
KEEP_ALIVE_S = 75
MAX_FRAME_BYTES = 4 * 1024 * 1024
"""A longer WebSocket message closes the connection with 1009."""

_MALFORMED = Refusal(400, "The request is not valid HTTP.")
_HEAD_TOO_LARGE = Refusal(
    431, f"The request's headers are too large: at most {MAX_HEAD_BYTES} bytes are accepted."
)
_HEAD_TOO_SLOW = Refusal(408, "The request's headers did not arrive in time.")


def config(
    application: Application,
    *,
    host: str = "127.0.0.1",
    port: int = 8080,
    certificate: Path | None = None,
    key: Path | None = None,
    drain_s: int = 8,
    access_log: bool = False,
) -> uvicorn.Config:
    """Return the configuration of a server for the gateway.

    Args:
        application: what `chalicelib.gateway.application.build` returned.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        certificate: PEM file, for TLS.
        key: PEM file of its private key.
        drain_s: how long requests may go on after the server was told to stop.
        access_log: whether each request is logged.
    """
    configured = uvicorn.Config(
        application,
        host=host,
        port=port,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        http=GatewayProtocol,
        loop="asyncio",
        lifespan="on",
        access_log=access_log,
        log_level="warning",
        server_header=False,
        proxy_headers=False,  # whom of the proxies to believe, the gateway knows
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=drain_s,
        ws="websockets-sansio",
        ws_max_size=MAX_FRAME_BYTES,
        # Pings keep proxies from closing a connection that waits for results. They need no answer: that of
        # a client that is held back comes behind its audio. The session timeout ends what is dead.
        ws_ping_timeout=None,
        ws_per_message_deflate=False,  # audio gains nothing by it, and it costs each connection memory
        backlog=1024,
    )
    logging.getLogger("uvicorn.error").addFilter(_tells_of_a_fault)
    return configured


def _tells_of_a_fault(record: logging.LogRecord) -> bool:
    """Drop what uvicorn takes for an error: that a WebSocket was refused with an answer, not accepted."""
    return record.msg != "ASGI callable returned without completing handshake."


class GatewayProtocol(HttpToolsProtocol):
    """HTTP/1.1 with bounds on the head of a request, which uvicorn leaves open, in size and in time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reading_head = False
        self._progress = 0
        self._fruitless_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._refusal = _MALFORMED

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_head_timer()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer a client that has said all it had to say, and still listens; TLS does not know such clients.

        A recognition is given up nevertheless: it costs more than the few who are served so are worth.
        """
        cycle = self.cycle
        if self.scheme == "https" or cycle is None or cycle.response_complete or cycle.more_body:
            return None
        if routes.traits(cycle.scope["method"], routes.normalised(cycle.scope["path"])).recognises:
            return None
        cycle.keep_alive = False
        return True

    def data_received(self, data: bytes) -> None:
        """Parse, and bound what neither completes headers nor is a body: the parser keeps it in memory."""
        progress = self._progress
        super().data_received(data)
        self._fruitless_bytes = self._fruitless_bytes + len(data) if progress == self._progress else 0
        if self._fruitless_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(_HEAD_TOO_LARGE)
        if self._reading_head:  # most heads come at once, and need no timer
            self._start_head_timer()

    def on_message_begin(self) -> None:
        """Begin to read the head of a request."""
        super().on_message_begin()
        self._reading_head = True

    def on_headers_complete(self) -> None:
        """Pass the request on if its head is of a reasonable size."""
        self._reading_head = False
        self._progress += 1
        self._stop_head_timer()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES:
            self._refusal = _HEAD_TOO_LARGE
            raise ValueError("request head too large")  # the parser turns it into send_400_response
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on."""
        self._progress += 1
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass the end of the request on."""
        self._progress += 1
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser could not read."""
        self._refuse(self._refusal)

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self._head_too_slow)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_too_slow(self) -> None:
        self._head_timer = None
        if self.transport.is_closing():
            return
        if self._reading_head:
            self._refuse(_HEAD_TOO_SLOW)
        else:
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer outside ASGI, unless the connection is in the middle of another answer; then close."""
        cycle = self.cycle
        idle = cycle is None or cycle.response_complete
        if idle or not (cycle.response_started or self.pipeline):
            response = refusal.response()
            lines = [STATUS_LINE[response.status]]
            headers = http_headers.for_client(response.headers, uuid.uuid4().hex)
            lines += [name + b": " + value + b"\r\n" for name, value in http_headers.write(headers)]
            lines.append(b"content-length: %d\r\nconnection: close\r\n\r\n" % len(response.body))
            self.transport.write(b"".join([*lines, response.body]))
        if not idle:  # the application's answer would come too late
            cycle.disconnected = True
            cycle.message_event.set()
        self.transport.close()
