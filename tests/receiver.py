"""A client's own server, which is told of its recognition jobs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib import settings
from tests.http_servers import serving


@dataclass
class Receiver:
    """What came in, and how to answer it."""

    url: str = ""
    challenges: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers (names in lower case) of each challenge."""
    told: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    """Headers and body of each notification."""
    statuses: list[int] = field(default_factory=list)
    """With which the next notifications are answered; 200 once there is none left."""
    meets_challenge: bool = True

    @property
    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.told]

    def of(self, job_id: str) -> list[dict[str, Any]]:
        notifications = [json.loads(body) for _, body in self.told]
        return [notification for notification in notifications if notification["id"] == job_id]

    def news_of(self, job_id: str) -> list[dict[str, Any]]:
        """Of what is told at least once, each only the first time."""
        told = self.of(job_id)
        return [one for number, one in enumerate(told) if one not in told[:number]]


@pytest.fixture
def private_allowed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let callbacks have addresses of this machine, as an operator may."""
    monkeypatch.setenv("ATTUNE_CALLBACK_ALLOW_PRIVATE", "true")
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()


@pytest.fixture
def receiver(private_allowed: None) -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            receiver.challenges.append((self.path, self._headers()))
            challenge = parse_qs(urlsplit(self.path).query).get("challenge_string", [""])[0]
            self._answer(200, challenge if receiver.meets_challenge else "no")

        def do_POST(self) -> None:
            receiver.told.append((self._headers(), self.rfile.read(int(self.headers["Content-Length"]))))
            self._answer(receiver.statuses.pop(0) if receiver.statuses else 200, "")

        def _headers(self) -> dict[str, str]:
            return {name.lower(): value for name, value in self.headers.items()}

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *arguments: object) -> None:
            return

    with serving(Handler) as port:
        receiver.url = f"http://127.0.0.1:{port}/results"
        yield receiver
