"""progress.json: how far the job is and how long it still takes, truthful across interruptions."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from training_image.checkpoint import write_atomically

INTERVAL_S = 1.0
_WINDOW_S = 30.0
"""Speed is measured over the last half minute, or the last quarter of the run when that is longer."""
_WINDOW_SHARE = 0.25


def published(path: Path) -> float:
    """Return the progress in 0…100 that an earlier run of this job published; 0 when none can be read."""
    try:
        document = json.loads(path.read_bytes())
        value = float(document["progress"])
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return 0.0
    return min(max(value, 0.0), 100.0) if math.isfinite(value) else 0.0


@dataclass
class Progress:
    """Publishes the share of the job that is done, at most once a second and at each change of stage."""

    path: Path
    floor: float = 0.0
    """What was published last, 0…100. Never goes down."""
    clock: Callable[[], float] = time.monotonic
    _resumed_at: float = field(init=False)
    _stage: str = ""
    _written_at_s: float = -math.inf
    _started_at_s: float | None = None
    _measured: deque[tuple[float, float]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._resumed_at = self.floor / 100

    def report(self, fraction: float, stage: str) -> None:
        """Note that `fraction` (0…1) of the whole job is done and what it does now."""
        now_s = self.clock()
        seconds_left = self._seconds_left(min(max(fraction, 0.0), 1.0), now_s)
        self.floor = max(self.floor, min(fraction * 100, 100.0))
        if stage == self._stage and now_s - self._written_at_s < INTERVAL_S and fraction < 1:
            return
        self._stage, self._written_at_s = stage, now_s
        updated = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        document = {
            "progress": round(self.floor, 1),
            "stage": stage,
            "seconds_left": None if seconds_left is None else round(seconds_left, 1),
            "updated": updated,
        }
        write_atomically(self.path, json.dumps(document).encode(), durable=False)

    def part(self, start: float, end: float) -> Callable[[float, str], None]:
        """Return a `report` for a part of the job that goes from `start` to `end`, both 0…1 of the whole."""
        return lambda fraction, stage: self.report(
            start + (end - start) * min(max(fraction, 0.0), 1.0), stage
        )

    def _seconds_left(self, fraction: float, now_s: float) -> float | None:
        """Return the time left at the speed of late; None before any speed could be measured."""
        if fraction >= 1:
            return 0.0
        if self._started_at_s is None:
            self._started_at_s = now_s
        if fraction <= self._resumed_at:
            # What an earlier run did is found again much faster than the rest will go.
            self._measured.clear()
        self._measured.append((now_s, fraction))
        window_s = max(_WINDOW_S, _WINDOW_SHARE * (now_s - self._started_at_s))
        while self._measured[0][0] < now_s - window_s and len(self._measured) > 2:
            self._measured.popleft()
        first_s, first = self._measured[0]
        if fraction <= first or now_s <= first_s:
            return None
        return (1 - fraction) * (now_s - first_s) / (fraction - first)


class WorkDone:
    """Adds up the parts of a piece of work, of whatever unit, and reports their share of the whole."""

    def __init__(self, report: Callable[[float, str], None], total: float) -> None:
        """Take what is told of the share that is done, 0…1, and how much there is in all."""
        self._report, self._total, self._done = report, max(total, 1e-9), 0.0

    def expect(self, work: float) -> None:
        """Note that so much is left, now that more is known."""
        self._total = max(self._done + work, 1e-9)

    def add(self, work: float, stage: str) -> None:
        """Note that so much more is done, and what is being done."""
        self._done += work
        self._report(min(1.0, self._done / self._total), stage)
