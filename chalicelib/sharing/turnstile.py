"""Lets a limited number of threads through at a time, owner by owner: for work in small portions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.sharing.turns import Turns


class Turnstile:
    """At most so many threads are inside at a time; the next is of the owner longest without a turn."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._lock = threading.Lock()
        self._turns: Turns[threading.Event] = Turns()

    @contextmanager
    def turn(self, owner: str) -> Iterator[None]:
        """Wait for a turn, and have it for as long as the context lasts: some milliseconds are best."""
        ticket = threading.Event()
        with self._lock:
            self._turns.put(owner, ticket)
            self._admit()
        try:
            ticket.wait()
            yield
        finally:
            with self._lock:
                if not self._turns.discard(owner, ticket):
                    self._free += 1
                self._admit()

    def _admit(self) -> None:
        while self._free and (taken := self._turns.take()) is not None:
            self._free -= 1
            taken[1].set()
