"""Places for calls that wait in the event loop."""

from __future__ import annotations

import asyncio
import functools

import pytest

from chalicelib.gateway.places import Places
from chalicelib.sharing.room import Full, OwnersShareFull


def test_never_more_than_there_are_places_and_owners_take_turns() -> None:
    async def scenario() -> None:
        places, go, begun = Places("test", 2, 4, share=0.5), asyncio.Event(), list[str]()

        async def work(owner: str) -> str:
            begun.append(owner)
            await go.wait()
            return owner

        owners = ["greedy", "greedy", "greedy", "modest", "other", "other"]
        calls = [asyncio.ensure_future(places.run(functools.partial(work, owner), owner)) for owner in owners]
        await asyncio.sleep(0.01)
        assert begun == ["greedy", "modest"]
        with pytest.raises(Full):
            await places.run(lambda: work("last"), "last")
        assert places.outstanding == 6
        calls.pop().cancel()
        await asyncio.sleep(0)
        with pytest.raises(OwnersShareFull):
            await places.run(lambda: work("greedy"), "greedy")
        go.set()
        assert await asyncio.gather(*calls) == owners[:-1]
        assert begun.index("other") < len(begun) - 1
        assert places.outstanding == 0

    asyncio.run(scenario())


def test_what_fails_makes_room() -> None:
    async def scenario() -> None:
        places = Places("test", 1, 0)

        async def fail() -> None:
            raise ZeroDivisionError

        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                await places.run(fail)

    asyncio.run(scenario())


def test_what_has_begun_keeps_its_place_though_nobody_waits_for_it() -> None:
    async def scenario() -> None:
        places, go, ended = Places("test", 1, 1), asyncio.Event(), list[str]()

        async def work(name: str) -> None:
            await go.wait()
            ended.append(name)

        first = asyncio.ensure_future(places.run(lambda: work("first")))
        await asyncio.sleep(0.01)
        first.cancel()
        second = asyncio.ensure_future(places.run(lambda: work("second")))
        await asyncio.sleep(0.01)
        assert first.cancelled()
        assert places.outstanding == 2
        go.set()
        await second
        assert ended == ["first", "second"]
        assert places.outstanding == 0

    asyncio.run(scenario())


def test_a_cancelled_call_that_waits_is_never_begun() -> None:
    async def scenario() -> None:
        places, go, begun = Places("test", 1, 1), asyncio.Event(), list[str]()

        async def work(name: str) -> None:
            begun.append(name)
            await go.wait()

        first = asyncio.ensure_future(places.run(lambda: work("first")))
        second = asyncio.ensure_future(places.run(lambda: work("second")))
        await asyncio.sleep(0.01)
        second.cancel()
        await asyncio.sleep(0)
        third = asyncio.ensure_future(places.run(lambda: work("third")))
        await asyncio.sleep(0.01)
        go.set()
        await asyncio.gather(first, third)
        assert begun == ["first", "third"]

    asyncio.run(scenario())
