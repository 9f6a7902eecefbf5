"""Who may run and who may wait, in all and of each owner; owners take turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

from chalicelib.sharing.turns import Turns

T = TypeVar("T")


class Full(Exception):
    """As many calls run and wait as may."""


class OwnersShareFull(Full):
    """As many calls of one owner run and wait as may of one; others still find room."""


class Room(Generic[T]):
    """Entries that wait, and how many run; the next one is that of the owner longest without a turn.

    Not safe for threads.
    """

    def __init__(
        self,
        name: str,
        running: int,
        *,
        waiting: int | None = None,
        running_of_owner: int | None = None,
        waiting_of_owner: int | None = None,
        stands_back: Callable[[str], bool] | None = None,
    ) -> None:
        """Take the bounds; None: there is none.

        Args:
            name: for who is refused.
            running: so many run at a time.
            waiting: so many others wait at most.
            running_of_owner: so many of one owner run at most, whoever else is there.
            waiting_of_owner: so many of one owner wait at most.
            stands_back: tells of owners whose entries take no places from others: as many again may run of
                those who do not stand back.
        """
        self._name = name
        self._most_running = running
        self._most_waiting = waiting
        self._running_of_owner = running_of_owner or running
        self._waiting_of_owner = waiting_of_owner
        self._stands_back = stands_back or (lambda _: False)
        self._turns: Turns[T] = Turns()
        self._running: Counter[str] = Counter()

    @property
    def running(self) -> int:
        """How many run."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._turns)

    def put(self, owner: str, entry: T) -> None:
        """Let an entry wait.

        Raises:
            Full: there is no room.
            OwnersShareFull: there is none for this owner.
        """
        bound = self._most_waiting
        if bound is not None and self.running + self.waiting >= self._most_running + bound:
            raise Full(self._name)
        of_owner, bound = self._running[owner] + self._turns.waiting(owner), self._waiting_of_owner
        if bound is not None and of_owner >= self._running_of_owner + bound:
            raise OwnersShareFull(self._name)
        self._turns.put(owner, entry)

    def take(self) -> tuple[str, T] | None:
        """Have the next entry run that may; None: there is none."""
        taken = self._turns.take(self._may_run)
        if taken is not None:
            self._running[taken[0]] += 1
        return taken

    def more_may_run(self) -> bool:
        """Tell whether `take` would give something."""
        return self._turns.anybody(self._may_run)

    def leave(self, owner: str) -> None:
        """Take note that one of an owner's entries runs no more."""
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]

    def discard(self, owner: str, entry: T) -> bool:
        """Take out an entry that waits; False: it does not."""
        return self._turns.discard(owner, entry)

    def clear(self) -> list[T]:
        """Take out and return all that wait."""
        cleared = []
        while (taken := self._turns.take()) is not None:
            cleared.append(taken[1])
        return cleared

    def _may_run(self, owner: str) -> bool:
        if self._running[owner] >= self._running_of_owner:
            return False
        if self.running < self._most_running:
            return True
        if self._stands_back(owner):
            return False
        before = sum(count for one, count in self._running.items() if count and not self._stands_back(one))
        return before < self._most_running
