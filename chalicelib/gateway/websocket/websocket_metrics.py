"""Watson's `processing_metrics`: how far a request has come, every now and then and beside its results."""

from __future__ import annotations

from typing import Any

from chalicelib.gateway.websocket.websocket_work import WebSocketWork


class Metrics:
    """The clock of one request. There is nothing to report before its first audio."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._began_s: float | None = None
        self.due_s: float | None = None
        """When the next periodic report is; None: not yet known."""

    def audio_came(self, now_s: float) -> None:
        """Take note of audio."""
        if self._began_s is None:
            self._began_s = now_s
            self.due_s = now_s + self._interval_s

    def is_due(self, now_s: float) -> bool:
        """Tell whether it is time for a periodic report, and if so set the time of the next one."""
        if self.due_s is None or now_s < self.due_s:
            return False
        missed = (now_s - self.due_s) // self._interval_s
        self.due_s += (missed + 1) * self._interval_s
        return True

    def report(self, work: WebSocketWork, now_s: float, *, periodic: bool) -> dict[str, Any]:
        """Return the member of a message."""
        began_s = now_s if self._began_s is None else self._began_s
        return {
            "processing_metrics": {
                "processed_audio": work.request.progress(work.received_bytes),
                "wall_clock_since_first_byte_received": round(now_s - began_s, 3),
                "periodic": periodic,
            }
        }
