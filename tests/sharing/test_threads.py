from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.sharing.room import Full, OwnersShareFull, Room
from chalicelib.sharing.threads import OwnerThreads


@pytest.fixture
def go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def _until(condition: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until_s
        time.sleep(0.005)


def test_owners_take_turns(go: threading.Event) -> None:
    threads, order = OwnerThreads("turns", 1), list[str]()
    threads.submit("greedy", lambda: go.wait(60))
    last = [threads.submit("greedy", lambda: order.append("greedy")) for _ in range(5)]
    other = threads.submit("modest", lambda: order.append("modest"))
    go.set()
    for future in (*last, other):
        future.result(60)
    assert order.index("modest") <= 1
    threads.close()


def test_one_owner_has_only_a_share_of_the_threads_and_of_the_queue(go: threading.Event) -> None:
    threads = OwnerThreads("share", 4, waiting=8, running_of_owner=2, waiting_of_owner=3)
    begun: list[str] = []

    def work(owner: str) -> None:
        begun.append(owner)
        go.wait(60)

    futures = [threads.submit("greedy", lambda: work("greedy")) for _ in range(5)]
    with pytest.raises(OwnersShareFull):
        threads.submit("greedy", lambda: work("greedy"))
    futures += [threads.submit("modest", lambda: work("modest")) for _ in range(2)]
    _until(lambda: len(begun) == 4)
    time.sleep(0.05)
    assert sorted(begun) == ["greedy", "greedy", "modest", "modest"]
    for owner in ("a", "b", "c"):
        futures += [threads.submit(owner, lambda: work("others")) for _ in range(2 if owner != "c" else 1)]
    with pytest.raises(Full):
        threads.submit("d", lambda: work("d"))
    go.set()
    for future in futures:
        future.result(60)
    assert threads.outstanding == 0
    threads.close()


def test_who_stands_back_takes_no_places_from_others(go: threading.Event) -> None:
    threads = OwnerThreads("back", 2, stands_back=lambda owner: owner == "greedy")
    begun: list[str] = []

    def work(owner: str) -> None:
        begun.append(owner)
        go.wait(60)

    futures = [threads.submit("greedy", lambda: work("greedy")) for _ in range(4)]
    _until(lambda: len(begun) == 2)
    futures += [threads.submit("modest", lambda: work("modest")) for _ in range(3)]
    _until(lambda: len(begun) == 4)
    time.sleep(0.05)
    assert sorted(begun) == ["greedy", "greedy", "modest", "modest"]
    go.set()
    for future in futures:
        future.result(60)
    assert begun.count("greedy") == 4
    threads.close()


def test_whoever_may_run_again_runs_as_soon_as_one_call_ends(go: threading.Event) -> None:
    standing_back = {"greedy", "modest"}
    threads = OwnerThreads("again", 2, stands_back=standing_back.__contains__)
    one_ends, begun = threading.Event(), list[str]()

    def work(owner: str, until: threading.Event) -> None:
        begun.append(owner)
        until.wait(60)

    futures = [
        threads.submit("greedy", lambda: work("greedy", one_ends)),
        threads.submit("greedy", lambda: work("greedy", go)),
    ]
    _until(lambda: begun == ["greedy", "greedy"])
    futures += [threads.submit("modest", lambda: work("modest", go)) for _ in range(2)]
    standing_back.remove("modest")
    one_ends.set()
    _until(lambda: begun.count("modest") == 2)
    go.set()
    for future in futures:
        future.result(60)
    threads.close()


def test_threads_with_nothing_to_do_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, together = OwnerThreads("idle", 8), threading.Barrier(8)
    for future in [threads.submit("one", lambda: together.wait(60)) for _ in range(8)]:
        future.result(60)
    looked, take = list[int](), Room.take

    def counted(room: Room[Any]) -> Any:
        looked.append(1)
        return take(room)

    monkeypatch.setattr(Room, "take", counted)
    for _ in range(50):
        threads.submit("one", time.monotonic).result(60)
    assert len(looked) <= 50 * 3
    threads.close()


def test_what_is_cancelled_is_never_begun_and_makes_room(go: threading.Event) -> None:
    threads = OwnerThreads("cancelled", 1, waiting=1)
    running = threads.submit("one", lambda: go.wait(60))
    waiting = threads.submit("one", lambda: pytest.fail("it was cancelled"))
    with pytest.raises(Full):
        threads.submit("other", time.monotonic)
    assert waiting.cancel()
    after = threads.submit("other", time.monotonic)
    go.set()
    assert running.result(60)
    assert after.result(60)
    threads.close()


def test_a_final_end_drops_what_waits(go: threading.Event) -> None:
    threads = OwnerThreads("ending", 1)
    running = threads.submit("one", lambda: go.wait(60))
    _until(running.running)
    waiting = threads.submit("one", time.monotonic)
    threads.close(final=True)
    assert waiting.cancelled()
    with pytest.raises(RuntimeError):
        threads.submit("one", time.monotonic)
    go.set()
    threads.join()
    assert running.done()
