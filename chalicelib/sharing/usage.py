"""The meter: how much audio each owner has had decoded, hour by hour, and whether more may come."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chalicelib import settings
from chalicelib.storage import failures
from chalicelib.storage.tables import HourlyUsage

_log = logging.getLogger(__name__)
_HOUR_S = 3600
_KEPT = timedelta(days=35)


class AudioBudgetSpent(Exception):
    """The owner has had as much audio decoded within an hour as may be."""

    def __init__(self, limit_s: int, retry_after_s: int) -> None:
        super().__init__(
            f"Audio of {limit_s / _HOUR_S:.1f} hours has been sent within an hour, which is the most that "
            f"one user may send. Try again in {retry_after_s} s."
        )
        self.retry_after_s = retry_after_s


def check(owner: str) -> None:
    """Refuse what an owner has no budget for; no more is looked at than two rows.

    Raises:
        AudioBudgetSpent: there is none left at the moment.
    """
    limit_s = settings.owner_audio_s_per_hour()
    if not limit_s:
        return
    now = datetime.now(UTC)
    rows = HourlyUsage.query(owner, HourlyUsage.hour >= _hour(now - timedelta(hours=1)), consistent_read=True)
    used_s = {row.hour: float(row.audio_s) for row in rows}
    wait_s = wait_for_budget_s(
        limit_s,
        used_s.get(_hour(now - timedelta(hours=1)), 0.0),
        used_s.get(_hour(now), 0.0),
        now.minute * 60 + now.second + now.microsecond / 1e6,
    )
    if wait_s > 0:
        raise AudioBudgetSpent(limit_s, max(1, round(wait_s)))


def wait_for_budget_s(limit_s: float, last_s: float, this_s: float, into_hour_s: float) -> float:
    """Return after how many seconds something of a budget is free again; 0: it is now.

    The hour before counts by the share of it that lies within the last sixty minutes.

    Args:
        limit_s: seconds of audio within an hour.
        last_s: used in the hour before.
        this_s: used in this hour.
        into_hour_s: how much of this hour is over.
    """
    if this_s < limit_s:
        free_when_s = _HOUR_S * (1 - (limit_s - this_s) / last_s) if last_s else 0.0
        return max(0.0, free_when_s - into_hour_s)
    return _HOUR_S - into_hour_s + _HOUR_S * (1 - limit_s / this_s)


def add(owner: str, audio_s: float) -> None:
    """Take note of audio that was decoded for an owner. That the note fails, fails nothing else."""
    now = datetime.now(UTC)
    row = HourlyUsage(owner, _hour(now))
    try:
        row.update(
            actions=[
                HourlyUsage.audio_s.add(round(audio_s, 2)),
                HourlyUsage.recordings.add(1),
                HourlyUsage.expires.set(int(time.time() + _KEPT.total_seconds())),
            ]
        )
    except failures.FAILURES:
        _log.warning("%.0f s of audio of %s were not noted", audio_s, owner, exc_info=True)


def since(moment: datetime) -> Iterator[HourlyUsage]:
    """Yield what all owners have used in the hours since a moment, in no order."""
    yield from HourlyUsage.scan(HourlyUsage.hour >= _hour(moment))


def _hour(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H")
