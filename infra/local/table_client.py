"""The way to the tables on one machine: requests to our own store without what only AWS's network needs.

Half of what a request costs botocore goes into its signature, its connection pool and its parser of headers.
The store is a process of ours on the loopback interface, which asks for the access key and no more. A read of
one row goes without botocore altogether, whose models and hooks take longer than all the rest: parameters and
answers are those of the wire. Whatever it does not answer with a row, botocore asks for again.
"""

from __future__ import annotations

import contextlib
import json
import re
import select
import socket
from collections import deque
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import botocore
import httptools
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.client import BaseClient
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError

_TIMEOUT_S = 10.0
_CHUNK_BYTES = 65_536
_BINARY = re.compile(rb'\{"BS?":')
"""Something binary in an answer, or a name that looks like it. Of text the quotes would be escaped."""


def shorten(client: BaseClient, access_key: str) -> Way:
    """Have a DynamoDB client talk to the store directly; its errors and its retries stay botocore's own."""
    way = Way(client.meta.endpoint_url, access_key)
    with_botocore = client._make_api_call  # type: ignore[attr-defined]  # which all its methods end in

    def call(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        found = way.row(parameters) if operation == "GetItem" else None
        return with_botocore(operation, parameters) if found is None else found

    vars(client)["_make_api_call"] = call
    client.meta.events.register("choose-signer.dynamodb.*", lambda **_: botocore.UNSIGNED)
    client.meta.events.register("before-send.dynamodb.*", way.send)  # type: ignore[arg-type]  # it may answer
    return way


class Way:
    """Connections to the store, at most one for each thread that is at it."""

    def __init__(self, url: str, access_key: str) -> None:
        address = urlsplit(url)
        self._url = url
        self._address = address.hostname, address.port
        self._head = (
            f"POST / HTTP/1.1\r\nhost: {address.netloc}\r\n"
            f"authorization: AWS4-HMAC-SHA256 Credential={access_key}/\r\n"
        )
        self._idle: deque[socket.socket] = deque()

    def row(self, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return what GetItem answers; None: botocore has to ask, for an error or something binary."""
        try:
            # A connection that the store has closed meanwhile need not be told apart: botocore asks again.
            answer = self._asked("DynamoDB_20120810.GetItem", json.dumps(parameters).encode(), certain=False)
        except (TypeError, OSError, EndpointConnectionError, httptools.HttpParserError):
            return None
        if answer.status != HTTPStatus.OK or _BINARY.search(answer.body):
            return None
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer a request in place of botocore's session.

        Raises:
            HTTPClientError: there is no answer; botocore tries again.
        """
        body = request.body or b""
        content = body if isinstance(body, bytes) else str(body).encode()
        try:
            answer = self._asked(_text(request.headers["X-Amz-Target"]), content)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=self._url, error=error) from error
        except (OSError, httptools.HttpParserError) as error:
            raise ConnectionClosedError(endpoint_url=self._url, error=error) from error
        return AWSResponse(request.url, answer.status, answer.headers, _Raw(answer.body))  # type: ignore[arg-type]

    def _asked(self, action: str, content: bytes, *, certain: bool = True) -> _Answer:
        """Return the answer to a request; being `certain` that the connection is open costs a look at it.

        Raises:
            EndpointConnectionError: there is no store.
            OSError, httptools.HttpParserError: it gave no answer, or not in time.
        """
        head = f"{self._head}x-amz-target: {action}\r\ncontent-length: {len(content)}\r\n\r\n"
        connection = self._connection(certain=certain)
        try:
            answer = _exchanged(connection, head.encode() + content)
        except (OSError, httptools.HttpParserError):
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    def close(self) -> None:
        """Give the connections back."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self, *, certain: bool) -> socket.socket:
        with contextlib.suppress(IndexError):
            while True:
                known = self._idle.pop()
                # Readable with nothing asked: the store has closed it.
                if not certain or not _readable(known):
                    return known
                known.close()
        try:
            made = socket.create_connection(self._address, timeout=_TIMEOUT_S)
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=self._url, error=error) from error
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


class _Answer:
    """What the parser finds."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = b""
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)
        self.feed = self._parser.feed_data

    @property
    def status(self) -> int:
        """The status code."""
        return self._parser.get_status_code()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """Keep a piece of the body."""
        self.body += body

    def on_message_complete(self) -> None:
        """Note the end."""
        self.complete = True


class _Raw:
    """A body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        """Yield all of it."""
        yield self._body


def _exchanged(connection: socket.socket, request: bytes) -> _Answer:
    connection.sendall(request)
    answer = _Answer()
    while not answer.complete:
        data = connection.recv(_CHUNK_BYTES)
        if not data:
            raise ConnectionResetError("the store closed the connection")
        answer.feed(data)
    return answer


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _readable(connection: socket.socket) -> bool:
    poll = select.poll()  # `select` knows no descriptors above 1023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
