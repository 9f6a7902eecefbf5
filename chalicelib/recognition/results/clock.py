"""Times as answers give them: seconds of the recording with two decimals."""

from __future__ import annotations

import math
from copy import copy
from typing import Self


class WordClock:
    """Keeps the times of successive words in order and inside the recording."""

    def __init__(self, duration_s: float = math.inf) -> None:
        """Take the length of the recording, as far as it is known."""
        self._last_s = 0.0
        self.limit(duration_s)

    def limit(self, duration_s: float) -> None:
        """Take the length of a recording that is still growing: no time lies behind it."""
        self._limit_s = duration_s if math.isinf(duration_s) else math.floor(duration_s * 100) / 100

    def read(self, time_s: float) -> float:
        """Return the time of the next event of a sequence: never before the last one."""
        self._last_s = max(self._last_s, self._inside(time_s))
        return self._last_s

    def place(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Return the times of something that stands for itself, and may overlap with others."""
        start_s = self._inside(start_s)
        return start_s, max(start_s, self._inside(end_s))

    def copy(self) -> Self:
        """Return a clock that goes on from here by itself: what is not final must not hold up what is."""
        return copy(self)

    def _inside(self, time_s: float) -> float:
        return max(0.0, min(round(time_s, 2), self._limit_s))
