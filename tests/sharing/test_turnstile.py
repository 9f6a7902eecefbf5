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
                while not (turnstile._turns.waiting("modest") or over.is_set()):
                    time.sleep(0.001)

    with ThreadPoolExecutor(8) as threads:
        for _ in range(8):
            threads.submit(greedy)
        while turnstile._turns.waiting("greedy") < 7:
            time.sleep(0.001)
        for _ in range(10):
            with turnstile.turn("modest"):
                order.append("modest")
        over.set()
    assert order[:20] == ["greedy", "modest"] * 10


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
