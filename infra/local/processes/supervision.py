"""Keeps the service's child processes running, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.local.processes import child

_LOG = logging.getLogger(__name__)
_QUICK_END_S = 5.0
_MAX_PAUSE_S = 10.0
_MAX_QUICK_ENDS = 5


@dataclass(frozen=True)
class Role:
    """A process that is always to be there."""

    name: str
    module: str
    arguments: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    """Listening sockets: they belong to the service, so a restarted process answers at the same port."""


class Unstable(Exception):
    """A process ends as soon as it is started; the message names its log."""


class Supervisor:
    """Runs each role in a process and starts it again when it ends.

    To be used in the main thread only: a child's life is bound to the thread that started it.
    """

    def __init__(self, logs: Path, environment: Mapping[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._watching: dict[str, asyncio.Task[None]] = {}

    def run(
        self,
        role: Role,
        *,
        at_first: tuple[str, ...] = (),
        restarted: Callable[[], Awaitable[None]] | None = None,
    ) -> asyncio.Task[None]:
        """Start a role, with more arguments at first; `restarted` is awaited after each restart.

        The task ends only by raising `Unstable`.
        """
        self._start(role, at_first)
        task = asyncio.create_task(self._watch(role, restarted))
        self._watching[role.name] = task
        return task

    def kill(self, name: str) -> None:
        """Kill a role's process, which has it started anew."""
        self._processes[name].kill()

    def signal(self, name: str, number: int) -> None:
        """Send a signal to a role's process."""
        self._processes[name].send_signal(number)

    @property
    def process_ids(self) -> dict[str, int]:
        """The process of each role."""
        return {name: process.pid for name, process in self._processes.items()}

    def _start(self, role: Role, more: tuple[str, ...] = ()) -> None:
        log = self._logs / f"{role.name}.log"
        self._processes[role.name] = child.start(
            role.module, (*role.arguments, *more), log, self._environment, role.descriptors
        )

    async def _watch(self, role: Role, restarted: Callable[[], Awaitable[None]] | None) -> None:
        quick_ends = 0
        while True:
            began_s = time.monotonic()
            status = await ended(self._processes[role.name])
            quick_ends = quick_ends + 1 if time.monotonic() - began_s < _QUICK_END_S else 0
            log = self._logs / f"{role.name}.log"
            if quick_ends > _MAX_QUICK_ENDS:
                raise Unstable(f"The part '{role.name}' ends as soon as it is started; {log} says why.")
            _LOG.warning(
                "the part '%s' ended with status %d and is started again; see %s", role.name, status, log
            )
            await asyncio.sleep(min(quick_ends**2 * 0.2, _MAX_PAUSE_S))
            self._start(role)
            if restarted is not None:
                await self._make_ready(role, restarted)

    async def _make_ready(self, role: Role, restarted: Callable[[], Awaitable[None]]) -> None:
        """Await what follows a restart, but not for longer than the process lives."""
        preparing = asyncio.ensure_future(restarted())
        ending = asyncio.create_task(ended(self._processes[role.name]))
        try:
            await asyncio.wait([preparing, ending], return_when=asyncio.FIRST_COMPLETED)
            if preparing.done():
                preparing.result()
        except Exception:  # noqa: BLE001  whatever it is: a part that nobody could prepare is of no use
            _LOG.warning("the part '%s' could not be made ready", role.name, exc_info=True)
            self.kill(role.name)
        finally:
            preparing.cancel()
            ending.cancel()

    async def stop(self, names: list[str], timeout_s: float) -> None:
        """End processes: ask all of them, wait, and kill those that take longer."""
        for name in names:
            self._watching.pop(name).cancel()
        processes = [self._processes.pop(name) for name in names]
        for process in processes:
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*map(ended, processes)), timeout_s)
        for process in processes:
            process.kill()
            process.wait()


async def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process without looking again and again, and return its status."""
    if process.poll() is not None:
        return process.returncode
    descriptor = os.pidfd_open(process.pid)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()
