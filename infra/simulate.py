"""How recognition jobs fare on AWS, many or few: `python -m infra.simulate` prints the tables."""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

from infra.cost import DATE
from infra.scale import published
from infra.scale.jobs import SimulatedJob, SimulatedService, TemplateRules, rules, spoken
from infra.scale.waits import LIFTED_BY

HOUR_S = 3600.0
ACCOUNTS = (10, 100, 1000)
ENGINES = ("light", "whisper")
RECORDING_S = 600.0
"""Of the recordings that come all day; nobody in them pauses."""
BUSIEST = 0.1
"""Share of a day's audio that comes in its busiest hour."""
SIMULATED_S = 1200.0
"""Of that hour."""
DAYS = ((1, 10), (100, 10), (100, 100), (10_000, 1000))
"""Hours of audio a day, and the account."""
AT_ONCE_H = 300
"""Hours of audio that are all sent at the same moment."""
LARGE_PIECES_S = 300.0
"""The default where the template says nothing, as on one machine."""


@dataclass(frozen=True)
class Outcome:
    """What became of some recordings."""

    walls_s: list[float]
    """From each recording's coming to its result, in order of length."""
    pieces: int
    """Of the first recording."""
    most: int
    """Functions at work at the same time."""
    usd: float
    limit: str | None
    """What held work up for longest."""
    lost: int
    """Messages that were given up."""

    @property
    def p50_s(self) -> float:
        """The median."""
        return statistics.median(self.walls_s)

    @property
    def p95_s(self) -> float:
        """What one in twenty takes longer than."""
        return self.walls_s[int(0.95 * len(self.walls_s))]


def _outcome(service: SimulatedService) -> Outcome:
    service.clock.run()
    jobs = service.jobs
    return Outcome(
        walls_s=sorted(job.done_s - job.came_s for job in jobs if job.done_s is not None),
        pieces=max(1, len(jobs[0].pieces_s)),
        most=service.account.most,
        usd=service.usd,
        limit=service.waits.longest(),
        lost=len(service.queue.dead),
    )


def one_recording(wanted: TemplateRules, engine: str, *, killed_piece: int | None = None) -> Outcome:
    """Return how an hour of speech without a pause fares that comes when nothing runs.

    Args:
        wanted: what holds.
        engine: `light` or `whisper`.
        killed_piece: the function at this piece is killed half-way the first time; None: at none.
    """
    service = SimulatedService(
        wanted,
        engine,
        dies=lambda message: (
            killed_piece is not None and (message.piece, message.receives) == (killed_piece, 1)
        ),
    )
    service.take(SimulatedJob(spoken(HOUR_S, seed=1)))
    return _outcome(service)


def day(hours: float, account: int, engine: str) -> Outcome:
    """Return how a day's busiest hour fares on which so many hours of audio come; what the day costs."""
    count = max(1, round(hours * BUSIEST * SIMULATED_S / RECORDING_S))
    drawn = random.Random(hours)
    service = SimulatedService(rules(account), engine)
    for number in range(count):
        service.take(SimulatedJob(spoken(RECORDING_S, seed=number % 100)), drawn.uniform(0, SIMULATED_S))
    outcome = _outcome(service)
    return replace(outcome, usd=outcome.usd * hours * HOUR_S / (count * RECORDING_S))


def at_once(hours: float, account: int, engine: str) -> Outcome:
    """Return how so many hours of audio fare that come at the same moment."""
    service = SimulatedService(rules(account), engine)
    for number in range(round(hours * HOUR_S / RECORDING_S)):
        service.take(SimulatedJob(spoken(RECORDING_S, seed=number % 100)))
    return _outcome(service)


def tables() -> Iterator[str]:
    """Yield the lines of the page's tables."""
    yield from _of_an_hour()
    yield ""
    yield from _of_days()
    yield ""
    yield from _of_accounts()
    yield ""
    yield from _of_a_kill()
    yield ""
    yield "| taken for granted | | from |"
    yield "|---|---|---|"
    for figure in published.FIGURES.values():
        yield f"| {figure.what} | {figure.value:.4g} {figure.unit} | {figure.source} |".replace("  ", " ")


def _of_an_hour() -> Iterator[str]:
    yield (
        "| one hour of speech | engine | pieces | result after | functions at once | USD "
        "| waited longest for |"
    )
    yield "|---|---|---|---|---|---|---|"
    for account in ACCOUNTS:
        of_account = rules(account)
        both = [(of_account, engine) for engine in ENGINES]
        if of_account.piece_s != LARGE_PIECES_S:
            both = [(replace(of_account, piece_s=LARGE_PIECES_S), engine) for engine in ENGINES] + both
        for wanted, engine in both:
            outcome = one_recording(wanted, engine)
            yield (
                f"| `AccountConcurrency={account}` | {engine} | {outcome.pieces} of {wanted.piece_s:.0f} s "
                f"| {_time(outcome.p50_s)} | {outcome.most} | {outcome.usd:.3f} | {_limit(outcome)} |"
            )


def _of_days() -> Iterator[str]:
    yield (
        "| hours of audio | engine | account | result after, median | 19 of 20 within | functions at once "
        "| USD | waited longest for | lifted by |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for hours, account in DAYS:
        for engine in ENGINES:
            yield _volume(f"{hours:,} a day", engine, account, day(hours, account, engine))
    for engine in ENGINES:
        outcome = at_once(AT_ONCE_H, ACCOUNTS[-1], engine)
        yield _volume(f"{AT_ONCE_H:,} at one moment", engine, ACCOUNTS[-1], outcome)


def _volume(said: str, engine: str, account: int, outcome: Outcome) -> str:
    lifted = "–" if outcome.limit is None else LIFTED_BY[outcome.limit]
    return (
        f"| {said} | {engine} | {account} | {_time(outcome.p50_s)} | {_time(outcome.p95_s)} | {outcome.most} "
        f"| {outcome.usd:,.2f} | {_limit(outcome)} | {lifted} |"
    )


def _of_accounts() -> Iterator[str]:
    yield "| account | pieces at work | hours of audio an hour, light engine | the network |"
    yield "|---|---|---|---|"
    for account in ACCOUNTS:
        of_account = rules(account)
        light, network = (SimulatedService(of_account, engine).hours_an_hour() for engine in ENGINES)
        yield f"| {account} | {of_account.most_of_queue} | {light:,.0f} | {network:,.0f} |"


def _of_a_kill() -> Iterator[str]:
    yield "| one hour of speech, `AccountConcurrency=1000` | engine | result after | of that for the kill |"
    yield "|---|---|---|---|"
    for engine in ENGINES:
        well = one_recording(rules(1000), engine)
        for piece in (0, well.pieces - 1):
            outcome = one_recording(rules(1000), engine, killed_piece=piece)
            lost_s = outcome.p50_s - well.p50_s
            yield (
                f"| the function at piece {piece + 1} is killed | {engine} | {_time(outcome.p50_s)} "
                f"| {lost_s:.0f} s |"
            )


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _limit(outcome: Outcome) -> str:
    return "–" if outcome.limit is None else outcome.limit


def main() -> int:
    """Print the tables; returns the exit status."""
    print(f"Prices of {DATE}.\n")
    print("\n".join(tables()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
