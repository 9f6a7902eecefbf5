"""Threads for the gateway's blocking calls: bounded in all and for each owner, who take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from chalicelib.sharing.room import Full, OwnersShareFull
from chalicelib.sharing.threads import OwnerThreads

T = TypeVar("T")

LaneFull, OwnersLaneFull = Full, OwnersShareFull
"""As many calls run and wait as the lane takes, in all or of one owner."""


class Lane:
    """Runs blocking calls on at most `threads` daemon threads while at most `waiting` others wait."""

    def __init__(self, name: str, threads: int, waiting: int, *, share: float = 1.0) -> None:
        """Take the bounds; `share` is how much of both one owner may have."""
        self._threads = OwnerThreads(
            name,
            threads,
            waiting=waiting,
            running_of_owner=max(1, int(threads * share)),
            waiting_of_owner=None if share == 1.0 else max(1, int(waiting * share)),
        )

    @property
    def outstanding(self) -> int:
        """Calls that run or wait."""
        return self._threads.outstanding

    async def run(self, call: Callable[[], T], owner: str = "") -> T:
        """Return what `call` returns; being cancelled takes it off the queue if it has not begun.

        Raises:
            LaneFull: at once, when there is no room; `OwnersLaneFull` when there is none for this owner.
        """
        return await asyncio.wrap_future(self.submit(call, owner))

    def submit(self, call: Callable[[], T], owner: str = "") -> Future[T]:
        """Queue `call`.

        Raises:
            LaneFull: as `run`.
        """
        return self._threads.submit(owner, call)

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        self._threads.close()
