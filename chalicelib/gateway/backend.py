"""What stands behind the gateway: one call per request."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Headers = tuple[tuple[str, str], ...]
"""Name and value pairs in the order of the wire; the names of requests are in lower case."""


@dataclass(frozen=True)
class BackendRequest:
    """A request with its whole body; a body that lies in the bucket is named by `X-Attune-Body` instead."""

    method: str
    raw_path: str
    """As the client sent it: percent-encoded, without the query, without a trailing slash."""
    query_string: str
    headers: Headers
    body: bytes
    source_ip: str = ""
    early: Callable[[str, bytes], None] | None = None
    """Sends the first parts of a successful answer before the rest is known: content type and next bytes,
    from any thread. A backend need not use it; None: the client cannot take them."""


@dataclass(frozen=True)
class BackendResponse:
    """An answer with its whole body, or with the rest of it, where the first parts were sent early."""

    status: int
    headers: Headers
    body: bytes


class UnknownRoute(Exception):
    """The backend serves nothing at this path."""


class BackendUnavailable(Exception):
    """The backend did not take the request; the same request may succeed later."""


class BackendTimedOut(Exception):
    """The backend took the request and gave no answer in time; it may still be working on it."""


class Backend(Protocol):
    """Answers requests, from several threads at a time."""

    def __call__(self, request: BackendRequest) -> BackendResponse:
        """Answer one request; blocks until the answer is complete.

        Raises:
            UnknownRoute: nothing is served at this path.
            BackendUnavailable: the request was not taken.
            BackendTimedOut: no answer came in time.
        """


class WaitingBackend(ABC):
    """Answers requests without a thread for each: whoever calls it waits in the event loop."""

    @abstractmethod
    async def __call__(self, request: BackendRequest) -> BackendResponse:
        """Answer one request, or raise what a `Backend` raises."""
