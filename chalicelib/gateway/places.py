"""Places for calls that wait in the event loop: bounded in all and for each owner, who take turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from chalicelib.sharing.room import Room

T = TypeVar("T")


class Places:
    """Does for calls that need no thread what `Lane` does for those that block."""

    def __init__(self, name: str, running: int, waiting: int, *, share: float = 1.0) -> None:
        """Take the bounds; `share` is how much of both one owner may have."""
        self._room: Room[asyncio.Future[None]] = Room(
            name,
            running,
            waiting=waiting,
            running_of_owner=max(1, int(running * share)),
            waiting_of_owner=None if share == 1.0 else max(1, int(waiting * share)),
        )
        self._begun: set[asyncio.Task[Any]] = set()

    @property
    def outstanding(self) -> int:
        """Calls that run or wait."""
        return self._room.running + self._room.waiting

    async def run(self, call: Callable[[], Coroutine[Any, Any, T]], owner: str = "") -> T:
        """Return what `call` returns.

        Being cancelled takes it off the queue if it has not begun; what has begun goes on in its place.

        Raises:
            Full: at once, when there is no room; `OwnersShareFull` when there is none for this owner.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room.put(owner, turn)
        self._admit()
        if not turn.done():
            try:
                await turn
            except asyncio.CancelledError:
                if not self._room.discard(owner, turn):
                    self._leave(owner)
                raise
        task = asyncio.ensure_future(call())
        self._begun.add(task)
        task.add_done_callback(lambda ended: self._end(owner, ended))
        return await asyncio.shield(task)

    def _end(self, owner: str, task: asyncio.Task[Any]) -> None:
        self._begun.discard(task)
        if not task.cancelled():
            task.exception()  # perhaps nobody waits for it any more
        self._leave(owner)

    def _leave(self, owner: str) -> None:
        self._room.leave(owner)
        self._admit()

    def _admit(self) -> None:
        while (taken := self._room.take()) is not None:
            _, turn = taken
            if not turn.done():
                turn.set_result(None)
