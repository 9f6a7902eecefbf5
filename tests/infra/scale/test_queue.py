"""A queue hands out a few messages at first and more while they wait; what fails comes again, and in the end no more."""

from __future__ import annotations

import pytest

from chalicelib.events.delivery import lease, messages
from infra.scale.clock import Process, SimulationClock
from infra.scale.functions import AccountConcurrency, Function, Killed, Throttled
from infra.scale.queue import Message, SimulatedQueue
from infra.scale.waits import Waits


class _Work:
    """Takes a while for each message; fails as often as it is told to."""

    def __init__(self, clock: SimulationClock, work_s: float, *failures: Exception) -> None:
        self._clock = clock
        self._work_s = work_s
        self._failures = list(failures)
        self.begun_s: list[float] = []

    def __call__(self, message: Message) -> Process:
        self.begun_s.append(round(self._clock.now_s, 1))
        yield self._work_s
        if self._failures:
            raise self._failures.pop(0)


def _queue(clock: SimulationClock, work: _Work, most: int, waits: Waits) -> SimulatedQueue:
    function = Function(clock, AccountConcurrency(1000), memory_gb=1.0, cold_s=0.0)
    return SimulatedQueue(clock, function, work, most, waits)


@pytest.mark.parametrize(("most", "at_once"), [(2, 2), (8, 8), (100, 10)])
def test_messages_are_handed_out_faster_while_they_wait(most: int, at_once: int) -> None:
    clock, waits = SimulationClock(), Waits()
    work = _Work(clock, 100.0)
    queue = _queue(clock, work, most, waits)
    for number in range(20):
        queue.send(Message(number))
    clock.run()
    assert len(work.begun_s) == 20
    assert sum(begun_s < 1.15 for begun_s in work.begun_s) == at_once  # 5, and 5 more in a second
    assert waits.longest() == ("pollers" if most == 100 else "MaximumConcurrency")


def test_whoever_is_killed_is_waited_for_no_longer_than_its_lease() -> None:
    clock = SimulationClock()
    work = _Work(clock, 50.0, Killed())
    queue = _queue(clock, work, 5, Waits())
    queue.send(Message(0))
    clock.run()
    first_s, second_s = work.begun_s
    # Hidden anew at 40 s for another 60, killed at 50.
    assert second_s - first_s == pytest.approx(2 * lease.RENEW_EVERY_S + lease.LEASE_S, abs=0.2)
    assert lease.LEASE_S <= 60
    assert queue.killed == 1


def test_what_is_turned_away_comes_again_later_each_time_and_is_given_up() -> None:
    clock, waits = SimulationClock(), Waits()
    work = _Work(clock, 0.0, *[Throttled("account")] * messages.MAX_RECEIVES)
    queue = _queue(clock, work, 5, waits)
    queue.send(Message(7))
    clock.run()
    assert work.begun_s == pytest.approx([0.1, 10.1, 30.1, 60.2, 100.2], abs=0.11)
    assert queue.dead == [Message(7, None, messages.MAX_RECEIVES, queue.dead[0].sent_s)]
    assert waits.longest() == "account"
