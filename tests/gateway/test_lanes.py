"""Threads with a bounded queue."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from chalicelib.gateway.lanes import Lane, LaneFull


def test_outcomes_come_back() -> None:
    lane = Lane("test", 2, 10)

    async def scenario() -> None:
        calls = [lane.run(functools.partial(pow, number, 2)) for number in range(10)]
        assert await asyncio.gather(*calls) == [number**2 for number in range(10)]
        with pytest.raises(ZeroDivisionError):
            await lane.run(lambda: 1 // 0)
        assert lane.outstanding == 0

    asyncio.run(scenario())
    lane.close()


def test_never_more_than_its_threads_and_its_queue() -> None:
    lane = Lane("test", 3, 4)
    go = threading.Event()
    lock = threading.Lock()
    at_once: list[int] = [0, 0]

    def work() -> None:
        with lock:
            at_once[0] += 1
            at_once[1] = max(at_once)
        go.wait(60)
        with lock:
            at_once[0] -= 1

    async def scenario() -> None:
        calls = [asyncio.ensure_future(lane.run(work)) for _ in range(7)]
        while at_once[0] < 3:
            await asyncio.sleep(0.01)
        with pytest.raises(LaneFull):
            await lane.run(work)
        assert lane.outstanding == 7
        go.set()
        await asyncio.gather(*calls)
        assert lane.outstanding == 0
        await lane.run(work)

    asyncio.run(scenario())
    assert at_once == [0, 3]
    lane.close()


def test_a_cancelled_call_is_never_begun_and_makes_room() -> None:
    lane = Lane("test", 1, 1)
    go = threading.Event()
    begun: list[str] = []

    async def scenario() -> None:
        first = asyncio.ensure_future(lane.run(lambda: go.wait(60)))
        second = asyncio.ensure_future(lane.run(lambda: begun.append("second")))
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.sleep(0)
        third = asyncio.ensure_future(lane.run(lambda: begun.append("third")))
        await asyncio.sleep(0.05)
        go.set()
        await asyncio.gather(first, third)

    asyncio.run(scenario())
    assert begun == ["third"]
    lane.close()


def test_close_ends_the_threads() -> None:
    lane = Lane("ending", 4, 10)

    async def scenario() -> None:
        go = threading.Event()
        calls = [asyncio.ensure_future(lane.run(lambda: go.wait(60))) for _ in range(8)]
        await asyncio.sleep(0)  # all are submitted, and none is done
        go.set()
        await asyncio.gather(*calls)

    asyncio.run(scenario())
    threads = [thread for thread in threading.enumerate() if thread.name.startswith("ending")]
    assert len(threads) == 4
    lane.close()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    asyncio.run(scenario())  # a second server of the same gateway may still need it
    lane.close()
