"""Whether a body that is streamed comes fast enough: so many bytes in any stretch of waiting for it."""

from __future__ import annotations

from collections import deque


class Pace:
    """Counts what came in; time is what the caller spent waiting for the client, in seconds from 0."""

    def __init__(self, window_s: float, least_bytes: float) -> None:
        """Take the length of the stretch, and how many bytes have to come within."""
        self._window_s = window_s
        self._least_bytes = least_bytes
        self._came: deque[tuple[float, int]] = deque()
        """The latest that make up the least."""
        self._total_bytes = 0

    def add(self, now_s: float, size_bytes: int) -> None:
        """Take note of bytes that came."""
        self._came.append((now_s, size_bytes))
        self._total_bytes += size_bytes
        while self._came and self._total_bytes - self._came[0][1] >= self._least_bytes:
            self._total_bytes -= self._came.popleft()[1]

    def deadline_s(self) -> float:
        """Return when it will be too late, if nothing comes."""
        if self._total_bytes < self._least_bytes or not self._came:
            return self._window_s
        return self._came[0][0] + self._window_s
