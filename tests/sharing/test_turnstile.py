from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.sharing.turnstile import Turnstile


def test_a_newcomer_waits_for_one_portion_of_others() -> None:
    turnstile, order, over = Turnstile(1), list[str](), threading.Event()

    def greedy() -> None:
        while not over.is_set():
            with turnstile.turn("greedy"):
                order.append("greedy")
                time.sleep(0.005)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(greedy)
        time.sleep(0.05)
        before = len(order)
        for _ in range(10):
            with turnstile.turn("modest"):
                order.append("modest")
        over.set()
        came = order[before:]
    last = len(came) - came[::-1].index("modest")
    assert came[:last].count("greedy") <= 12


def test_never_more_inside_than_may() -> None:
    turnstile, lock, inside = Turnstile(3), threading.Lock(), [0, 0]

    def work(owner: str) -> None:
        for _ in range(20):
            with turnstile.turn(owner):
                with lock:
                    inside[0] += 1
                    inside[1] = max(inside)
                time.sleep(0.001)
                with lock:
                    inside[0] -= 1

    with ThreadPoolExecutor(9) as threads:
        for number in range(9):
            threads.submit(work, f"owner {number % 4}")
    assert inside == [0, 3]


def test_a_failure_inside_gives_the_turn_back() -> None:
    turnstile = Turnstile(1)
    with pytest.raises(ValueError, match="flaw"), turnstile.turn("one"):
        raise ValueError("a flaw")
    with turnstile.turn("other"):
        pass
