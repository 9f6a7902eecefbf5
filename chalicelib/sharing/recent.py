"""How much audio each owner has used lately: owners with much of it wait while others want something."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

HALF_LIFE_S = 120.0
"""What was used so long ago counts half."""
HEAVY_S = 30.0
"""Seconds of audio, counted so: whoever has had more has had much."""
_CLEARLY_LESS = 0.8
_PRESENT_S = 600.0
"""An owner who has used something within it is there."""
_MOST_REMEMBERED = 10_000


class Recent:
    """Seconds of audio that owners have asked for, each the less the longer it is ago. Safe for threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, tuple[float, float]] = {}
        """Of each owner how much, and when that was reckoned; the latest last."""

    def add(self, owner: str, used_s: float) -> None:
        """Take note of what an owner has had."""
        with self._lock:
            now_s = self._clock()
            self._used[owner] = (self._kept(self._used.pop(owner, (0.0, now_s)), now_s) + used_s, now_s)
            if len(self._used) > _MOST_REMEMBERED:
                del self._used[next(iter(self._used))]

    def note(self, owner: str) -> None:
        """Take note that an owner is there, who may have had nothing yet."""
        self.add(owner, 0.0)

    def stands_back(self, owner: str) -> bool:
        """Tell whether an owner has had much while another one is there who has had less."""
        with self._lock:
            now_s = self._clock()
            own_s = self._kept(self._used.get(owner, (0.0, now_s)), now_s)
            if own_s < HEAVY_S:
                return False
            return any(
                now_s - entry[1] < _PRESENT_S and self._kept(entry, now_s) < own_s * _CLEARLY_LESS
                for other, entry in self._used.items()
                if other != owner
            )

    def others_than(self, owner: str) -> bool:
        """Tell whether other owners are there."""
        with self._lock:
            now_s = self._clock()
            return any(
                now_s - since_s < _PRESENT_S for one, (_, since_s) in self._used.items() if one != owner
            )

    @staticmethod
    def _kept(entry: tuple[float, float], now_s: float) -> float:
        used_s, since_s = entry
        return used_s * math.pow(0.5, (now_s - since_s) / HALF_LIFE_S)
