"""The API's process as a backend of the gateway, without a thread for each call."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque

from chalicelib.gateway.backend import (
    BackendRequest,
    BackendResponse,
    BackendTimedOut,
    BackendUnavailable,
    UnknownRoute,
    WaitingBackend,
)
from infra.local.api.api_wire import Messages, message

_CHANGES_NOTHING = ("GET", "HEAD", "OPTIONS")


class ApiFailed(Exception):
    """The API raised an exception in place of answering; the log of its process says which."""


def listen() -> socket.socket:
    """Return a socket for the API's process to listen at: without a file, under a name of its own."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind("")
    listener.listen(1024)
    return listener


class ApiClient(WaitingBackend):
    """Calls of the API over connections that are kept, one for each call that is under way."""

    def __init__(self, address: bytes) -> None:
        self._address = address
        self._idle: deque[_Connection] = deque()

    async def __call__(self, request: BackendRequest) -> BackendResponse:
        """Answer one request; one that changes nothing is asked again when the process ends that had it.

        Raises:
            UnknownRoute: the API serves nothing at this path.
            BackendUnavailable: its process does not take the request.
            BackendTimedOut: it ended before it answered.
            ApiFailed: it raised an exception.
        """
        try:
            return await self._asked(request)
        except BackendTimedOut:
            if request.method not in _CHANGES_NOTHING:
                raise
            return await self._asked(request)  # waits for the process that follows

    async def _asked(self, request: BackendRequest) -> BackendResponse:
        connection = await self._connection()
        try:
            return await connection.exchange(request)
        except asyncio.CancelledError:
            connection.close()  # the answer would be taken for the next one's
            raise
        finally:
            if connection.is_open:
                self._idle.append(connection)

    async def _connection(self) -> _Connection:
        while self._idle:
            known = self._idle.pop()
            if known.is_open:
                return known
        try:
            _, made = await asyncio.get_running_loop().create_unix_connection(_Connection, self._address)  # type: ignore[arg-type]  # it takes bytes
        except OSError as error:
            raise BackendUnavailable(str(error)) from error
        return made

    async def answers(self) -> None:
        """Wait until the API's process has loaded what it needs.

        Raises:
            BackendTimedOut: it ended meanwhile.
        """
        with contextlib.suppress(UnknownRoute):
            await self(BackendRequest("GET", "/-", "", (), b""))

    def close(self) -> None:
        """Give the connections back."""
        while self._idle:
            self._idle.pop().close()


class _Connection(asyncio.Protocol):
    """One connection, on which one call is under way at a time."""

    def __init__(self) -> None:
        self._messages = Messages()
        self._asked: BackendRequest | None = None
        self._answer: asyncio.Future[BackendResponse] | None = None

    @property
    def is_open(self) -> bool:
        return not self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    async def exchange(self, request: BackendRequest) -> BackendResponse:
        head = {
            "method": request.method,
            "raw_path": request.raw_path,
            "query_string": request.query_string,
            "headers": request.headers,
            "source_ip": request.source_ip,
            "early": request.early is not None,
        }
        self._asked = request
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(message(head, request.body))
        try:
            return await self._answer
        finally:
            self._asked = self._answer = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._messages.add(data)
        while (found := self._messages.next()) is not None:
            head, body = found
            if self._answer is None or self._answer.done():
                self._transport.close()  # nobody waits for it
            elif "early" in head:
                if self._asked is not None and self._asked.early is not None:
                    self._asked.early(head["early"], body)
            elif "status" in head:
                headers = tuple((name, value) for name, value in head["headers"])
                self._answer.set_result(BackendResponse(head["status"], headers, body))
            elif "unknown" in head:
                self._answer.set_exception(UnknownRoute())
            else:
                self._answer.set_exception(ApiFailed())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BackendTimedOut("the API's process has ended"))
