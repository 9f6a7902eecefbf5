"""A line between the command and a service that breaks as planned, and answers that were recorded."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import urlsplit

from tests.http_servers import serving
from tests.ports import free_port

LOST = "the answer is lost"
"""The request goes through, and its answer does not."""
DROPPED = "the request is lost"


@dataclass(frozen=True)
class Recorded:
    """An answer in place of the service's."""

    status: int
    document: Any
    headers: dict[str, str] = field(default_factory=dict)


Fault = str | Recorded | None
Plan = Callable[[str, str, int], Fault]
"""Method, path with query, and how many requests came before it, to what happens; None: it goes through."""


def nothing(method: str, path: str, before: int) -> Fault:
    """Let everything through."""
    return None


@dataclass
class Line:
    """Where it is, what came, and what happens to what comes."""

    url: str
    plan: Plan = nothing
    came: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of what came, names in lower case."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    answered: int = 0

    def wait_until_idle(self) -> None:
        """Wait for what is under way, though whoever sent it is gone."""
        deadline = time.monotonic() + 120
        while self.answered < len(self.came):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def of(self, method: str, part: str) -> list[str]:
        """Return the paths of requests that have a part in them."""
        return [path for one, path in self.came if one == method and part in path]


def recorded(answers: dict[tuple[str, str], Any]) -> Plan:
    """Return a plan of answers by method and path without `/v1/`; a list is one after another, the last stays."""

    def answer(method: str, path: str, before: int) -> Fault:
        found = answers.get((method, path.partition("?")[0].removeprefix("/v1/")))
        if found is None:
            return Recorded(404, {"code": 404, "error": f"Not Found: there is no resource {path}"})
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        return found if isinstance(found, Recorded) else Recorded(200, found)

    return answer


@contextlib.contextmanager
def line(to: str | None, plan: Plan = nothing, port: int | None = None) -> Iterator[Line]:
    """Run a line to a service, or with None to nobody."""
    where = port if port is not None else free_port()
    one = Line(f"http://127.0.0.1:{where}", plan)
    with serving(_handler(one, to), where):
        yield one


def _handler(one: Line, to: str | None) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            with one.lock:
                before = len(one.came)
                one.came.append((self.command, self.path))
                one.headers.append({name.lower(): value for name, value in self.headers.items()})
            try:
                # Whoever asks is killed in some tests, and in some the service, in the middle of its answer.
                with contextlib.suppress(ConnectionError, http.client.HTTPException):
                    self._pass_on(before)
            finally:
                with one.lock:
                    one.answered += 1

        def _pass_on(self, before: int) -> None:
            fault = one.plan(self.command, self.path, before)
            if fault == DROPPED:
                self._hang_up()
                return
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it was killed; a service would wait for the rest
                self._hang_up()
                return
            if isinstance(fault, Recorded):
                text = fault.document
                content = text if isinstance(text, bytes) else json.dumps(text).encode()
                self._answer(fault.status, {"Content-Type": "application/json", **fault.headers}, content)
                return
            assert to is not None
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            passed_on = http.client.HTTPConnection(urlsplit(to).netloc, timeout=120)
            with contextlib.closing(passed_on):
                passed_on.request(self.command, self.path, body, headers)
                response = passed_on.getresponse()
                content = response.read()
            if fault == LOST:
                self._hang_up()
                return
            kept = {"content-type", "retry-after"}
            self._answer(
                response.status,
                {name: value for name, value in response.getheaders() if name.lower() in kept},
                content,
            )

        def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _hang_up(self) -> None:
            self.close_connection = True
            with contextlib.suppress(OSError):  # the other end has gone already
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PUT = do_DELETE = _pass  # noqa: N815 - named by http.server

        def log_message(self, *arguments: object) -> None:
            pass

    return Handler
