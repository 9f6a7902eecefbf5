"""`cost`: what training jobs cost together, by customer, model, month or kind of machine."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from infra.training import chosen, jobs, table
from infra.training.jobs import ListedJob

_GROUPS: dict[str, Callable[[ListedJob], str]] = {
    "instance-type": lambda job: job.instance_type,
    "month": lambda job: f"{job.created:%Y-%m}",
    "owner": lambda job: job.tags.get("attune:owner", "–"),
    "customization": lambda job: job.tags.get("attune:customization", "–"),
}
_TAGGED = ("owner", "customization")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    chosen.add_arguments(parser)
    parser.add_argument(
        "--by", choices=list(_GROUPS), default="instance-type", help="what to add up (instance-type)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print a table of sums."""
    found = jobs.found(**chosen.filters(arguments), with_tags=arguments.by in _TAGGED)
    for line in report(found, arguments.by):
        print(line)
    return 0


@dataclass
class _Sum:
    jobs: int = 0
    billed_s: int = 0
    usd: float = 0.0
    unpriced: set[str] = field(default_factory=set)

    def add(self, job: ListedJob) -> None:
        self.jobs += 1
        if job.cost is None:
            return
        self.billed_s += job.cost.billable_s * job.cost.instance_count
        if job.cost.usd is None:
            self.unpriced.add(job.instance_type)
        else:
            self.usd += job.cost.usd


def report(every: Iterable[ListedJob], by: str) -> list[str]:
    """Return the lines of the table, the largest sum first, the total last, and what has no price."""
    sums: dict[str, _Sum] = {}
    total = _Sum()
    for job in every:
        sums.setdefault(_GROUPS[by](job), _Sum()).add(job)
        total.add(job)
    largest_first = sorted(sums.items(), key=lambda entry: (-entry[1].usd, entry[0]))
    rows = [
        (
            name,
            str(one.jobs),
            f"{one.billed_s / 3600:.2f}",
            table.dollars(one.usd) + ("+" if one.unpriced else ""),
        )
        for name, one in [*largest_first, ("total", total)]
    ]
    lines = table.lines((by, "jobs", "instance hours billed", "USD"), rows, right=(1, 2, 3))
    if total.unpriced:
        names = ", ".join(sorted(total.unpriced))
        lines.append(f"+ without {names}, whose price nobody knows: name it in ATTUNE_TRAINING_PRICES.")
    return lines
