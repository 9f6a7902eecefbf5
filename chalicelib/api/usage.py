"""`/v1/usage`: what the owner of a key has had recognised and adapted, day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.sharing import meter
from chalicelib.sharing.meter import MeterEntry

routes = Routes()

FIRST, LAST = "first_day", "last_day"
_USUAL_DAYS = 30


@routes.route("GET", "/usage")
def get_usage(call: Call) -> dict[str, Any]:
    """Show how much audio was recognised and adapted with the keys of this instance, day by day."""
    last = _day(call, LAST) or datetime.now(UTC).date()
    first = _day(call, FIRST) or last - timedelta(days=min(_USUAL_DAYS, last.toordinal()) - 1)
    if first > last:
        raise BadRequest(f"'{FIRST}' is after '{LAST}': {first} after {last}.")
    if (last - first).days >= meter.KEPT_DAYS:
        raise BadRequest(f"From '{FIRST}' to '{LAST}' there may be {meter.KEPT_DAYS} days: so many are kept.")
    entries = meter.of_owner(call.owner, first, last)
    shown = {FIRST: first.isoformat(), LAST: last.isoformat(), "usage": [_shown(entry) for entry in entries]}
    return parameters.with_warning(call, shown, (FIRST, LAST))


def _day(call: Call, name: str) -> date | None:
    value = parameters.text(call, name)
    try:
        return None if value is None else datetime.strptime(value, "%Y-%m-%d").date()
    except ValueError:
        raise BadRequest(
            f"Invalid value '{value}' for parameter '{name}': it must be a day, such as 2026-01-31."
        ) from None


def _shown(entry: MeterEntry) -> dict[str, Any]:
    return {
        "day": entry.day.isoformat(),
        "work": entry.work,
        "engine": entry.engine,
        "customization": entry.customization,
        "audio_seconds": entry.audio_s,
        "count": entry.count,
    }
