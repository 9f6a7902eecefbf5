"""Functions start cold, are used again, are paid for as long as they run, and are turned away beyond a limit."""

from __future__ import annotations

import contextlib

import pytest

from infra.cost import LAMBDA_GB_S, LAMBDA_REQUEST
from infra.scale import published
from infra.scale.clock import Process, SimulationClock
from infra.scale.functions import AccountConcurrency, Function, Killed, Throttled


def _work(work_s: float) -> Process:
    yield work_s


def _killed(work_s: float) -> Process:
    yield work_s
    raise Killed


def _run(clock: SimulationClock, function: Function, body: Process, ended: list[float]) -> Process:
    with contextlib.suppress(Killed, Throttled):
        yield from function.run(body)
    ended.append(clock.now_s)


def test_an_environment_is_used_again_while_it_is_kept() -> None:
    clock, ended = SimulationClock(), list[float]()
    function = Function(clock, AccountConcurrency(10), memory_gb=2.0, cold_s=5.0)
    kept_s = published.value("kept_warm")
    for at_s in (0.0, 10.0, 20.0 + kept_s):
        clock.start(_run(clock, function, _work(1.0), ended), at_s)
    clock.run()
    assert ended == [6.0, 11.0, 26.0 + kept_s]
    assert function.usd == pytest.approx((6 + 1 + 6) * 2 * LAMBDA_GB_S + 3 * LAMBDA_REQUEST)


def test_an_environment_in_which_work_was_killed_is_gone() -> None:
    clock, ended = SimulationClock(), list[float]()
    function = Function(clock, AccountConcurrency(10), memory_gb=1.0, cold_s=5.0)
    clock.start(_run(clock, function, _killed(1.0), ended))
    clock.start(_run(clock, function, _work(1.0), ended), 10.0)
    clock.run()
    assert ended == [6.0, 16.0]


def test_beyond_the_accounts_limit_calls_are_turned_away() -> None:
    clock, ended = SimulationClock(), list[float]()
    account = AccountConcurrency(2)
    functions = [Function(clock, account, memory_gb=1.0, cold_s=0.0) for _ in range(3)]
    for function in functions:
        clock.start(_run(clock, function, _work(7.0), ended))
    clock.run()
    assert ended == [0.0, 7.0, 7.0]
    assert (account.most, account.at_work) == (2, 0)


def test_a_function_gets_a_thousand_environments_in_ten_seconds() -> None:
    clock, ended = SimulationClock(), list[float]()
    function = Function(clock, AccountConcurrency(5000), memory_gb=1.0, cold_s=1.0)
    for at_s, calls in ((0.0, 1500), (5.0, 1500)):
        for _ in range(calls):
            clock.start(_run(clock, function, _work(60.0), ended), at_s)
    clock.run()
    assert [ended.count(moment) for moment in (0.0, 5.0, 61.0, 66.0)] == [500, 1000, 1000, 500]
