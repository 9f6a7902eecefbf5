"""The meter, for operators: `python -m infra.usage [--hours 24]` shows what each owner has had decoded."""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from chalicelib.sharing import usage
from infra.local import joining

_KEPT_HOURS = 35 * 24


def main(arguments: Sequence[str] | None = None) -> int:
    """Print hours of audio and recordings by owner, most first; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.usage",
        description="Show how much audio each owner has had decoded: with ATTUNE_HOME by the service that "
        "runs on that folder, without it by the one whose store AWS_* variables name.",
    )
    parser.add_argument(
        "--hours", type=int, default=24, help=f"so many, the present one included; {_KEPT_HOURS} are kept"
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.hours <= _KEPT_HOURS:
        parser.error(f"--hours must be from 1 to {_KEPT_HOURS}, not {options.hours}")
    if not joining.join_if_named():
        return 1
    audio_s: defaultdict[str, float] = defaultdict(float)
    recordings: Counter[str] = Counter()
    for row in usage.since(datetime.now(UTC) - timedelta(hours=options.hours - 1)):
        audio_s[row.owner] += float(row.audio_s)
        recordings[row.owner] += int(row.recordings)
    print(f"{'owner':36}  {'hours of audio':>14}  {'recordings':>10}")
    for owner, used_s in sorted(audio_s.items(), key=lambda one: -one[1]):
        print(f"{owner:36}  {used_s / 3600:14.2f}  {recordings[owner]:10}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
