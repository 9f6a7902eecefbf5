"""One HTTP request to a client's URL: to the address that was checked, bounded in time and size."""

from __future__ import annotations

import contextlib
import functools
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from chalicelib.callbacks import addresses
from chalicelib.callbacks.errors import InvalidUrl, Unreachable

LONGEST_URL = 2048
MOST_BYTES = 64 * 1024
"""Of an answer; more is not read."""
_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-\[\]-~]+", re.ASCII)
"""No blanks, no control characters, no backslash, which some take for a slash."""


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    body: bytes


def parse(url: str) -> Url:
    """Read a URL that can be called back.

    Raises:
        InvalidUrl: it is malformed, not http or https, or names a user.
    """
    if len(url) > LONGEST_URL:
        raise InvalidUrl(f"it has more than {LONGEST_URL} characters")
    if not _PRINTABLE.fullmatch(url):
        raise InvalidUrl("it has characters that a URL cannot have")
    try:
        parsed = parse_url(url)
    except (LocationParseError, ValueError):
        raise InvalidUrl("it is not a URL") from None
    if parsed.scheme not in _PORTS or not parsed.host:
        raise InvalidUrl("it must begin with http:// or https:// and name a host")
    if parsed.auth is not None:
        raise InvalidUrl("it must not name a user")
    if parsed.fragment is not None:
        raise InvalidUrl("it must not have a fragment")
    return parsed


def send(
    method: str, url: str, headers: Mapping[str, str], body: bytes | None = None, *, limit_s: float
) -> Response:
    """Send a request and return the answer, whatever its status; a redirect is an answer like any other.

    Args:
        method: of HTTP.
        url: where to.
        headers: beside those that every request has.
        body: of the request.
        limit_s: for everything, from the connection to the last byte.

    Raises:
        InvalidUrl: see `parse`.
        AddressNotAllowed: the host has an address that must not be called.
        Unreachable: no answer.
    """
    target = parse(url)
    assert target.scheme is not None and target.host is not None
    host, port = target.host.strip("[]"), target.port or _PORTS[target.scheme]
    sent = {
        "Host": target.host if target.port is None else f"{target.host}:{target.port}",
        "User-Agent": "Attune",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    try:
        with _connected(target.scheme, host, addresses.resolve(host, port), port, limit_s) as connection:
            connection.request(method, target.request_uri, body=body, headers=sent, preload_content=False)
            answer = connection.getresponse()
            return Response(answer.status, answer.read(MOST_BYTES, decode_content=False))
    except (HTTPError, http.client.HTTPException, OSError, ValueError) as error:
        raise Unreachable(f"'{host}' does not answer as it should: {type(error).__name__}") from error


@contextlib.contextmanager
def _connected(
    scheme: str, host: str, candidates: list[str], port: int, limit_s: float
) -> Iterator[HTTPConnection]:
    """Lend a connection to the first address that takes it; it breaks when the time is over."""
    over = threading.Event()
    sockets: list[socket.socket] = []  # themselves: a connection forgets its own when an answer begins

    def break_off() -> None:
        over.set()
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, break_off)
    timer.daemon = True
    timer.start()
    try:
        for number, address in enumerate(candidates, 1):
            connection = _connection(scheme, host, address, port, limit_s)
            try:
                connection.connect()
                break
            except (HTTPError, OSError):
                connection.close()
                if number == len(candidates) or over.is_set():
                    raise
        assert connection.sock is not None
        sockets.append(connection.sock)
        try:
            if not over.is_set():
                yield connection
        finally:
            connection.close()
        if over.is_set():
            raise TimeoutError(f"more than {limit_s} s")
    finally:
        timer.cancel()


def _connection(scheme: str, host: str, address: str, port: int, limit_s: float) -> HTTPConnection:
    if scheme == "http":
        return HTTPConnection(address, port, timeout=limit_s)
    return HTTPSConnection(
        address,
        port,
        timeout=limit_s,
        # The certificate has to be the host's, not the address's.
        server_hostname=host,
        assert_hostname=host,
        ssl_context=_trust(),
    )


@functools.cache
def _trust() -> ssl.SSLContext:
    return ssl.create_default_context()
