"""Histories of work with kills at random moments: what is lost, what is doubled, what is stuck, and for how long."""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.figures import keep, measured_here
from tests.local.histories import Counts, History, process_of
from tests.local.running import RunningService, running_service

STUCK_S = 30.0
"""Without any change, while something is waited for."""
HISTORIES_AT_ONCE = 4
STEPS = 14
PAIRS = 5
"""With and without a kill, in turn: a busy machine makes either of them long."""
FULL = 8
"""Jobs and recordings that lie in the queues when the store is killed."""


def histories(service: RunningService, minutes: float, seed: int) -> dict[str, Any]:
    """Make histories for so many minutes; what is wrong with one is printed with its steps."""

    class Bench(History):
        longest_standstill_s = STUCK_S
        counts = Counts()

    Bench.service = service
    chosen = settings(
        max_examples=HISTORIES_AT_ONCE,
        stateful_step_count=STEPS,
        phases=[Phase.generate],  # what fails depends on moments: it cannot be made smaller
        deadline=None,
        database=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    made, wrong = 0, []
    until_s = time.monotonic() + 60 * minutes
    while time.monotonic() < until_s:
        machine = hypothesis.seed(seed + made)(type("History", (Bench,), {}))
        try:
            run_state_machine_as_test(machine, settings=chosen)
        except Exception as error:  # noqa: BLE001  whatever it is: the next histories go on
            traceback.print_exc()
            wrong.append(f"{type(error).__name__}: {error}"[:300])
        made += HISTORIES_AT_ONCE
        print(f"{made} histories, {sum(Bench.counts.kills.values())} kills, {len(wrong)} wrong", flush=True)
    figures = asdict(Bench.counts)
    return {"histories": made, "wrong": wrong, "seed": seed, "stuck_above_s": STUCK_S, **figures}


def full_queues(service: RunningService, *, kill: bool) -> float:
    """Fill the queues, kill the store alone, or not, and return how long it then takes until all is done."""

    class Bench(History):
        longest_standstill_s = 600.0
        counts = Counts()

    Bench.service = service
    story = Bench()
    story.begin()
    for number in range(FULL):
        story.create_model("/v1/acoustic_customizations", None, 0)
        story.add_audio(number, "one", "ok", None, 0)
        story.add_job(None, 0)
    if kill:
        os.kill(process_of(service, "infra.local.store.server"), signal.SIGKILL)
    began_s = time.monotonic()
    story.settle()
    took_s = time.monotonic() - began_s
    story.teardown()
    return round(took_s, 1)


def main(argv: Sequence[str]) -> int:
    """Measure both; print and keep in `.attune/bench/faults.json`. 1: a history went wrong."""
    parser = argparse.ArgumentParser(prog="python -m bench faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of histories (60)")
    parser.add_argument("--seed", type=int, default=None, help="of the histories; another one each time")
    arguments = parser.parse_args(argv)
    seed = random.randrange(10**6) if arguments.seed is None else arguments.seed
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder) / "home") as service:
        full_queues(service, kill=False)  # warm
        pairs = [[full_queues(service, kill=kill) for kill in (False, True)] for _ in range(PAIRS)]
        figures: dict[str, Any] = {
            "full_queues_s": {
                "untouched": [untouched for untouched, _ in pairs],
                "store_killed": [killed for _, killed in pairs],
                "median_more": round(statistics.median(killed - one for one, killed in pairs), 1),
            },
            **histories(service, arguments.minutes, seed),
            **measured_here(),
        }
    print(json.dumps(figures, indent=2))
    keep("faults", figures)
    return 1 if figures["wrong"] else 0
