"""Which request belongs to which owner, as the backend says; owners take turns and have shares."""

from __future__ import annotations

import hashlib

from chalicelib.gateway.backend import BackendResponse, Headers
from chalicelib.gateway.http.headers import value_of

OWNER_HEADER = "x-attune-owner"
"""Of the backend's answers; clients do not see it."""
UNKNOWN = ""
"""Whoever has not been told apart yet, all of them together: wrong credentials make no owner."""
_MOST_REMEMBERED = 10_000


class Owners:
    """Owners by what their requests are authorised with. Used by one task at a time."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def of(self, headers: Headers) -> str:
        """Return whose a request is; `UNKNOWN` until the backend has answered one with its credentials."""
        return self.by(fingerprint(headers))

    def by(self, fingerprint: bytes) -> str:
        """Return whose requests with these credentials are."""
        return self._known.get(fingerprint, UNKNOWN)

    def learn(self, fingerprint: bytes, response: BackendResponse) -> str:
        """Return whose request it was by its answer, and remember it."""
        named = (value for name, value in response.headers if name.lower() == OWNER_HEADER)
        owner = next(named, UNKNOWN)
        if owner != UNKNOWN:
            self._known.pop(fingerprint, None)
            self._known[fingerprint] = owner
            if len(self._known) > _MOST_REMEMBERED:
                del self._known[next(iter(self._known))]
        return owner


def fingerprint(headers: Headers) -> bytes:
    """Return what stands for credentials, without being any."""
    return hashlib.sha256((value_of(headers, "authorization") or "").encode()).digest()
