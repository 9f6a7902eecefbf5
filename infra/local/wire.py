"""What the emulated services share of ASGI: read a request, send an answer, serve on a given socket."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import uvicorn

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Disconnected(Exception):
    """The client went away before its request was complete."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the request's headers, names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body as it arrives.

    Raises:
        Disconnected: the client went away before the end.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def whole_body(receive: Receive) -> bytes:
    """Return the (small) body.

    Raises:
        Disconnected: the client went away before the end.
    """
    return b"".join([chunk async for chunk in chunks(receive)])


async def begin(send: Send, status: int, headers: dict[str, str]) -> None:
    """Send the status line and the headers."""
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def answer(send: Send, status: int, headers: dict[str, str], body: bytes = b"") -> None:
    """Send a whole answer."""
    await begin(send, status, {"content-length": str(len(body)), **headers})
    await send({"type": "http.response.body", "body": body})


LOOPBACK = "127.0.0.1"


def listen(port: int = 0, address: str = LOOPBACK) -> socket.socket:
    """Return a listening socket, on the loopback interface unless told otherwise; port 0 takes a free one.

    Raises:
        OSError: the port is taken, or the address is none of this machine's.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With its protocol named: asyncio turns Nagle's algorithm off only then. An answer in two segments would
    # otherwise wait 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


class Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: whoever runs several servers stops them together."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signal handlers alone."""
        yield


def server(application: Application, **options: Any) -> Server:
    """Return a server for an ASGI application; options are uvicorn's."""
    defaults: dict[str, Any] = {
        "lifespan": "off",
        "access_log": False,
        "log_config": None,
        "timeout_keep_alive": 75,
        "timeout_graceful_shutdown": 3,
        "server_header": False,
        "proxy_headers": False,
    }
    return Server(uvicorn.Config(application, **(defaults | options)))
