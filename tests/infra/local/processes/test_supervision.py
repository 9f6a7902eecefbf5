"""Parts that end are started again, and stopped in order, at any moment."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from infra.local.processes import supervision
from infra.local.processes.supervision import Role, Supervisor, Unstable

_PART = Role("part", "http.server", ("--bind", "127.0.0.1", "0"))


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not condition():
            await asyncio.sleep(0.01)


def _supervised(tmp_path: Path, story: Callable[[Supervisor], Awaitable[None]]) -> None:
    async def run() -> None:
        supervisor = Supervisor(tmp_path, os.environ)
        try:
            await story(supervisor)
        finally:
            await supervisor.stop(list(supervisor.process_ids), 10.0)

    asyncio.run(run())


def test_a_part_that_cannot_be_made_ready_is_started_once_more(tmp_path: Path) -> None:
    attempts: list[int] = []

    async def story(supervisor: Supervisor) -> None:
        async def restarted() -> None:
            attempts.append(supervisor.process_ids["part"])
            if len(attempts) == 1:
                raise ConnectionError("it went away again")

        watching = supervisor.run(_PART, restarted=restarted)
        supervisor.kill("part")
        await _until(lambda: len(attempts) == 2)
        assert not watching.done()

    _supervised(tmp_path, story)
    assert attempts[0] != attempts[1]


def test_a_part_that_always_ends_is_given_up_however_long_its_preparation_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "_MAX_QUICK_ENDS", 1)
    monkeypatch.setattr(supervision, "_QUICK_END_S", 600.0)

    async def story(supervisor: Supervisor) -> None:
        watching = supervisor.run(
            Role("part", "http.server", ("no port",)), restarted=lambda: asyncio.sleep(600)
        )
        with pytest.raises(Unstable, match=f"'part' ends as soon as it is started; {tmp_path}/part.log"):
            async with asyncio.timeout(120):
                await watching

    _supervised(tmp_path, story)


def test_a_part_that_has_just_ended_can_be_stopped(tmp_path: Path) -> None:
    async def story(supervisor: Supervisor) -> None:
        supervisor.run(_PART)
        process = supervisor._processes["part"]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    _supervised(tmp_path, story)
