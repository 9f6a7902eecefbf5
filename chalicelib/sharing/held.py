"""Disk space held for each owner's requests, up to a limit."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

RETRY_AFTER_S = 30


class TooMuchHeld(Exception):
    """More is held for the owner already than may be; other requests of theirs have to end first."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"Requests of yours that are under way would hold more than {limit_bytes // 1024**2} MB of "
            "temporary data, the most that one user may have. Try again when one of them has ended, or send "
            "less at once."
        )
        self.retry_after_s = RETRY_AFTER_S


class HeldByOwners:
    """What requests hold for their owners. Safe for threads."""

    def __init__(self, limit_bytes: Callable[[], int]) -> None:
        """Take the limit for one owner; 0: there is none."""
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._bytes: Counter[str] = Counter()

    def of(self, owner: str) -> int:
        """Return how many bytes are held for an owner."""
        with self._lock:
            return self._bytes[owner]

    @contextmanager
    def holding(self, owner: str) -> Iterator[Callable[[int], None]]:
        """Give what is to be told of bytes before they are written; all are let go of at the end.

        It raises `TooMuchHeld` if they pass the limit.
        """
        own = 0

        def take(more_bytes: int) -> None:
            nonlocal own
            limit_bytes = self._limit_bytes()
            with self._lock:
                if limit_bytes and self._bytes[owner] + more_bytes > limit_bytes:
                    raise TooMuchHeld(limit_bytes)
                self._bytes[owner] += more_bytes
                own += more_bytes

        try:
            yield take
        finally:
            with self._lock:
                self._bytes[owner] -= own
                if self._bytes[owner] <= 0:
                    del self._bytes[owner]
