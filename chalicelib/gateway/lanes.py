"""Threads for blocking calls, with a bounded queue before them."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_Work = tuple["Future[Any]", Callable[[], Any]]


class LaneFull(Exception):
    """As many calls run and wait as the lane takes."""


class Lane:
    """Runs blocking calls on at most `threads` daemon threads while at most `waiting` others wait.

    The threads are daemons, unlike those of `ThreadPoolExecutor`: a call that never returns cannot keep the
    process from ending.
    """

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._name = name
        self._threads = threads
        self._capacity = threads + waiting
        self._lock = threading.Lock()
        self._work: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._outstanding = 0
        self._started = 0

    @property
    def outstanding(self) -> int:
        """Calls that run or wait."""
        return self._outstanding

    async def run(self, call: Callable[[], T]) -> T:
        """Return what `call` returns; being cancelled takes it off the queue if it has not begun.

        Raises:
            LaneFull: at once, when there is no room.
        """
        return await asyncio.wrap_future(self.submit(call))

    def submit(self, call: Callable[[], T]) -> Future[T]:
        """Queue `call`.

        Raises:
            LaneFull: there is no room.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._outstanding >= self._capacity:
                raise LaneFull(self._name)
            self._outstanding += 1
            if self._started < min(self._threads, self._outstanding):
                self._started += 1
                name = f"{self._name}-{self._started}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
        future.add_done_callback(self._leave)
        self._work.put((future, call))
        return future

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        with self._lock:
            started, self._started = self._started, 0
        for _ in range(started):
            self._work.put(None)

    def _leave(self, _future: Future[Any]) -> None:
        with self._lock:
            self._outstanding -= 1

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            future, call = work
            if future.set_running_or_notify_cancel():
                _settle(future, call)
            del work, future, call  # an idle thread must not keep the last request's body alive


def _settle(future: Future[Any], call: Callable[[], Any]) -> None:
    try:
        outcome = call()
    except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the one who waits
        future.set_exception(error)
    else:
        future.set_result(outcome)
