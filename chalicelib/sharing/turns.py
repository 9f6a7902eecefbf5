"""A queue in which owners take turns, however much one of them puts into it."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Gives out the entries of the owner whose last turn is longest ago; each owner's own in their order.

    Not safe for threads.
    """

    def __init__(self) -> None:
        self._lines: OrderedDict[str, deque[T]] = OrderedDict()
        """Of owners who have entries; the next turn is the first one's."""

    def __len__(self) -> int:
        """Return how many entries wait."""
        return sum(len(line) for line in self._lines.values())

    def waiting(self, owner: str) -> int:
        """Return how many entries of an owner wait."""
        return len(self._lines.get(owner, ()))

    def put(self, owner: str, entry: T) -> None:
        """Add an entry. An owner who had none is the last to have a turn."""
        self._lines.setdefault(owner, deque()).append(entry)

    def take(self, may: Callable[[str], bool] = lambda _: True) -> tuple[str, T] | None:
        """Take the next entry of those owners who may have a turn now; None: there is none."""
        for owner, line in self._lines.items():
            if may(owner):
                entry = line.popleft()
                self._lines.move_to_end(owner)
                if not line:
                    del self._lines[owner]
                return owner, entry
        return None

    def discard(self, owner: str, entry: T) -> bool:
        """Take an entry out; False: it is not there any more."""
        line = self._lines.get(owner)
        if line is None or entry not in line:
            return False
        line.remove(entry)
        if not line:
            del self._lines[owner]
        return True
