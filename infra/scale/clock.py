"""Simulated time: processes that sleep, each woken when it is its turn."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Generator

Process = Generator[float]
"""Yields how many seconds it sleeps; what it has done between two sleeps took no time."""


class SimulationClock:
    """Runs processes in the order of their moments."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._asleep: list[tuple[float, int, Process]] = []
        self._number = itertools.count()

    def start(self, process: Process, after_s: float = 0.0) -> None:
        """Let a process begin in so many seconds."""
        heapq.heappush(self._asleep, (self.now_s + after_s, next(self._number), process))

    def run(self) -> None:
        """Go on until no process sleeps any more."""
        while self._asleep:
            self.now_s, _, process = heapq.heappop(self._asleep)
            sleep_s = next(process, None)
            if sleep_s is not None:
                self.start(process, sleep_s)
