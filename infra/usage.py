"""The meter, for operators: `python -m infra.usage [--hours 24 | --days 30 [--owner GUID]]`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.sharing import meter, usage
from infra.local import joining

_KEPT_HOURS = 35 * 24
_S_PER_HOUR = 3600


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m infra.usage",
        description="Show how much audio owners have used: with ATTUNE_HOME by the service that runs on that "
        "folder, without it by the one whose store AWS_* variables name.",
    )
    span = parser.add_mutually_exclusive_group()
    span.add_argument(
        "--hours",
        type=int,
        default=24,
        help="what was decoded in so many, the present one included, also in vain: what the hourly budget "
        f"counts; {_KEPT_HOURS} are kept",
    )
    span.add_argument(
        "--days",
        type=int,
        help="what was recognised and adapted in so many, today (UTC) included, each thing once; "
        f"{meter.KEPT_DAYS} are kept",
    )
    parser.add_argument("--owner", help="of one owner alone, day by day; with --days")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Print hours of audio by owner, most first, or by day; returns the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.days is None and options.owner:
        parser.error("--owner goes with --days")
    if options.days is None and not 1 <= options.hours <= _KEPT_HOURS:
        parser.error(f"--hours must be from 1 to {_KEPT_HOURS}, not {options.hours}")
    if options.days is not None and not 1 <= options.days <= meter.KEPT_DAYS:
        parser.error(f"--days must be from 1 to {meter.KEPT_DAYS}, not {options.days}")
    if not joining.join_if_named():
        return 1
    if options.days is None:
        _show_decoded(options.hours)
    else:
        _show_metered(options.days, options.owner)
    return 0


def _show_decoded(hours: int) -> None:
    audio_s: defaultdict[str, float] = defaultdict(float)
    recordings: Counter[str] = Counter()
    for row in usage.since(datetime.now(UTC) - timedelta(hours=hours - 1)):
        audio_s[row.owner] += float(row.audio_s)
        recordings[row.owner] += int(row.recordings)
    print(f"{'owner':36}  {'hours of audio':>14}  {'recordings':>10}")
    for owner, used_s in sorted(audio_s.items(), key=lambda one: -one[1]):
        print(f"{owner:36}  {used_s / _S_PER_HOUR:14.2f}  {recordings[owner]:10}")


def _show_metered(days: int, owner: str | None) -> None:
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    entries = meter.of_all(first, today) if owner is None else meter.of_owner(owner, first, today)
    audio_s: defaultdict[tuple[str, str, str, str], float] = defaultdict(float)
    count: Counter[tuple[str, str, str, str]] = Counter()
    for entry in entries:
        whose = entry.owner if owner is None else entry.day.isoformat()
        row = (whose, str(entry.work), entry.engine, str(entry.customization))
        audio_s[row] += entry.audio_s
        count[row] += entry.count
    ranked = sorted(audio_s, key=lambda row: -audio_s[row]) if owner is None else sorted(audio_s)
    head = "owner" if owner is None else "day"
    print(f"{head:36}  {'work':11}  {'engine':10}  {'customized':10}  {'hours of audio':>14}  {'count':>8}")
    for row in ranked:
        whose, work, engine, customized = row
        print(
            f"{whose:36}  {work:11}  {engine:10}  {customized:10}  "
            f"{audio_s[row] / _S_PER_HOUR:14.2f}  {count[row]:8}"
        )


if __name__ == "__main__":
    sys.exit(main())
