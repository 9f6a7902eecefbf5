"""A queue in which owners take turns, however much one of them puts into it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_MOST_REMEMBERED = 10_000
"""Owners whose last turn is known."""


class Turns(Generic[T]):
    """Gives out the entries of the owner whose last turn is longest ago; each owner's own in their order.

    Not safe for threads.
    """

    def __init__(self) -> None:
        self._lines: dict[str, deque[T]] = {}
        """Of owners who have entries."""
        self._turn = 0
        self._last_turns: dict[str, int] = {}
        """Of owners who have had one, the latest last."""

    def __len__(self) -> int:
        """Return how many entries wait."""
        return sum(len(line) for line in self._lines.values())

    def waiting(self, owner: str) -> int:
        """Return how many entries of an owner wait."""
        return len(self._lines.get(owner, ()))

    def put(self, owner: str, entry: T) -> None:
        """Add an entry."""
        self._lines.setdefault(owner, deque()).append(entry)

    def take(self, may: Callable[[str], bool] = lambda _: True) -> tuple[str, T] | None:
        """Take the next entry of those owners who may have a turn now; None: there is none."""
        for owner in sorted(self._lines, key=lambda one: self._last_turns.get(one, 0)):
            if may(owner):
                line = self._lines[owner]
                entry = line.popleft()
                if not line:
                    del self._lines[owner]
                self._note_turn(owner)
                return owner, entry
        return None

    def anybody(self, may: Callable[[str], bool]) -> bool:
        """Tell whether one of the owners with entries may have a turn now."""
        return any(map(may, self._lines))

    def _note_turn(self, owner: str) -> None:
        self._turn += 1
        self._last_turns.pop(owner, None)
        self._last_turns[owner] = self._turn
        if len(self._last_turns) > _MOST_REMEMBERED:
            del self._last_turns[next(iter(self._last_turns))]

    def discard(self, owner: str, entry: T) -> bool:
        """Take an entry out; False: it is not there any more."""
        line = self._lines.get(owner)
        if line is None or entry not in line:
            return False
        line.remove(entry)
        if not line:
            del self._lines[owner]
        return True
