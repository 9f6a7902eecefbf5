"""What each owner has had recognised and adapted, by day: each thing counts once, however often it is tried.

Beside it, `usage` guards the hourly budget and counts all that was decoded, also in vain.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from chalicelib.storage import failures
from chalicelib.storage.conditional import Add, Contended, write
from chalicelib.storage.tables import DailyUsage

_log = logging.getLogger(__name__)
KEPT_DAYS = 400
"""A year can be compared with the one before, month by month."""


class MeteredWork(StrEnum):
    """What was done with audio."""

    RECOGNITION = "recognition"
    ADAPTATION = "adaptation"


class Customization(StrEnum):
    """Which custom models took part."""

    NONE = "none"
    ACOUSTIC = "acoustic"
    LANGUAGE = "language"
    BOTH = "both"


def customization(*, acoustic: bool, language: bool) -> Customization:
    """Return which custom models took part."""
    if acoustic:
        return Customization.BOTH if language else Customization.ACOUSTIC
    return Customization.LANGUAGE if language else Customization.NONE


@dataclass(frozen=True)
class Used:
    """Something that counts."""

    work: MeteredWork
    engine: str
    """Of the base model's version."""
    customization: Customization
    audio_s: float
    """Seconds of audio."""


@dataclass(frozen=True)
class MeterEntry:
    """What an owner has used on one day, of one kind."""

    owner: str
    day: date
    """In UTC."""
    work: MeteredWork
    engine: str
    customization: Customization
    audio_s: float
    count: int


def adding(owner: str, *used: Used) -> list[Add]:
    """Return what adds to the meter; it belongs to the write that says that the thing is done.

    So it counts once, whatever is tried again: the condition of that write holds once.
    """
    now = datetime.now(UTC)
    seconds: dict[str, list[float]] = {}
    for one in used:
        entry = f"{now.date().isoformat()}/{one.work}/{one.engine}/{one.customization}"
        if one.audio_s > 0:
            seconds.setdefault(entry, []).append(one.audio_s)
    expires = int((now + timedelta(days=KEPT_DAYS)).timestamp())
    return [
        Add(
            DailyUsage(owner, entry),
            [
                DailyUsage.audio_s.add(round(sum(of_entry), 2)),
                DailyUsage.times.add(1),
                DailyUsage.expires.set(expires),
            ],
        )
        for entry, of_entry in seconds.items()
    ]


def add(owner: str, used: Used) -> None:
    """Add what was done at once, for somebody who waits. That this fails, fails nothing else."""
    try:
        for change in adding(owner, used):
            write(change)
    except (Contended, *failures.FAILURES):
        _log.warning("%.0f s of audio of %s were not metered", used.audio_s, owner, exc_info=True)


def of_owner(owner: str, first: date, last: date) -> list[MeterEntry]:
    """Return what an owner has used from one day to another, both included, oldest first."""
    rows = DailyUsage.query(owner, DailyUsage.entry.between(*_bounds(first, last)), consistent_read=True)
    return [_entry(row) for row in rows]


def of_all(first: date, last: date) -> Iterator[MeterEntry]:
    """Yield the same of all owners, in no order."""
    for row in DailyUsage.scan(DailyUsage.entry.between(*_bounds(first, last))):
        yield _entry(row)


def _bounds(first: date, last: date) -> tuple[str, str]:
    return f"{first.isoformat()}/", f"{last.isoformat()}/~"


def _entry(row: DailyUsage) -> MeterEntry:
    day, work, engine, customized = row.entry.split("/")
    return MeterEntry(
        row.owner,
        date.fromisoformat(day),
        MeteredWork(work),
        engine,
        Customization(customized),
        round(float(row.audio_s), 2),
        int(row.times),
    )
