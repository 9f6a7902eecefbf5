"""Stores the results of a job, so that nobody who waits for a long recording has to hold them."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from chalicelib.recognition.request.backend import with_warnings
from chalicelib.storage import objects


@dataclass(frozen=True)
class Keeping:
    """Where the results of a job are to be kept, and what has to be known about it."""

    key: str
    created_s: float
    """When the job was made, in Unix seconds."""
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return {"key": self.key, "created_s": self.created_s, "warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Keeping:
        """Read it from an event."""
        return cls(fields["key"], fields["created_s"], tuple(fields["warnings"]))


def keep(keeping: Keeping, answer: dict[str, Any]) -> None:
    """Put a job's results into the bucket, as Watson shows them: a list, of which metrics are the first."""
    metrics = answer.pop("processing_metrics", None)
    results = [with_warnings(answer, keeping.warnings)]
    if metrics is not None:
        metrics["wall_clock_since_first_byte_received"] = round(time.time() - keeping.created_s, 3)
        results.insert(0, {"processing_metrics": {**metrics, "periodic": True}})
    objects.put(keeping.key, json.dumps(results).encode(), "application/json")
