"""`list`: which training jobs there are, newest first, by state, time and tag."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterable

from infra.training import chosen, jobs, table
from infra.training.jobs import ListedJob

_HEAD = ("job", "status", "created", "machines", "billed s", "USD")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    chosen.add_arguments(parser)
    parser.add_argument("--most", type=int, default=50, metavar="N", help="at most so many jobs (50)")


def run(arguments: argparse.Namespace) -> int:
    """Print a table of the jobs."""
    found = jobs.found(**chosen.filters(arguments))
    for line in report(itertools.islice(found, arguments.most)):
        print(line)
    return 0


def report(listed: Iterable[ListedJob]) -> list[str]:
    """Return the lines of the table; what failed says why below its line."""
    every = list(listed)
    rows = [
        (
            job.name,
            job.status if job.over else f"{job.status} ({job.secondary_status})",
            f"{job.created:%Y-%m-%d %H:%M}",
            f"{job.instance_count} × {job.instance_type}",
            "–" if job.billable_s is None else str(job.billable_s),
            table.dollars(job.cost.usd if job.cost else None),
        )
        for job in every
    ]
    head, *lines = table.lines(_HEAD, rows, right=(4, 5))
    reasons = [[f"    {' '.join(job.reason.split())}"] if job.reason else [] for job in every]
    return [
        head,
        *itertools.chain.from_iterable([line, *why] for line, why in zip(lines, reasons, strict=True)),
    ]
