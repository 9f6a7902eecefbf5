"""Work that nobody has done for an hour: the operator is told, however it came to wait."""

from __future__ import annotations

from datetime import timedelta

from chalicelib.events.delivery import telemetry

AFTER = timedelta(hours=1)


def note(kind: str, waited: timedelta) -> None:
    """Take how long one piece of work has waited by now, or has not moved on; say so if that is too long."""
    if waited > AFTER:
        telemetry.count("WaitedForAnHour")
        telemetry.logger.warning(
            "work waits", extra={"kind": kind, "waited_s": round(waited.total_seconds())}
        )
