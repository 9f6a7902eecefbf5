"""Processes are woken in the order of their moments."""

from __future__ import annotations

from infra.scale.clock import Process, SimulationClock


def test_who_sleeps_shorter_is_woken_first() -> None:
    clock, seen = SimulationClock(), list[tuple[str, float]]()

    def process(name: str, sleep_s: float) -> Process:
        for _ in range(2):
            seen.append((name, clock.now_s))
            yield sleep_s
        seen.append((name, clock.now_s))

    clock.start(process("slow", 3.0))
    clock.start(process("quick", 1.0), after_s=1.0)
    clock.run()
    assert seen == [
        ("slow", 0.0),
        ("quick", 1.0),
        ("quick", 2.0),
        ("slow", 3.0),
        ("quick", 3.0),
        ("slow", 6.0),
    ]
