"""Threads for blocking calls, on which owners take turns, with a bounded queue before them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from chalicelib.sharing.room import Room

T = TypeVar("T")
_Work = tuple["Future[Any]", Callable[[], Any]]


class OwnerThreads:
    """Runs blocking calls on daemon threads; the next call is that of the owner longest without a turn.

    The threads are daemons, unlike those of `ThreadPoolExecutor`: a call that never returns cannot keep the
    process from ending.
    """

    def __init__(
        self,
        name: str,
        threads: int,
        *,
        waiting: int | None = None,
        running_of_owner: int | None = None,
        waiting_of_owner: int | None = None,
        stands_back: Callable[[str], bool] | None = None,
    ) -> None:
        """Take the bounds; None: there is none.

        Args:
            name: of the threads.
            threads: so many calls run at a time.
            waiting: so many others wait at most.
            running_of_owner: so many of one owner run at most, whoever else is there.
            waiting_of_owner: so many of one owner wait at most.
            stands_back: tells of owners whose calls take no places from others: as many calls again may run
                of those who do not stand back.
        """
        self._name = name
        self._room: Room[_Work] = Room(
            name,
            threads,
            waiting=waiting,
            running_of_owner=running_of_owner,
            waiting_of_owner=waiting_of_owner,
            stands_back=stands_back,
        )
        self._most_threads = threads if stands_back is None else 2 * threads
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        """For idle threads, which are woken one by one: waking costs more than a short call."""
        self._nothing_runs = threading.Condition(lock)
        self._idle = 0
        self._started = 0
        self._generation = 0
        self._closed = False

    @property
    def outstanding(self) -> int:
        """Calls that run or wait."""
        with self._changed:
            return self._room.running + self._room.waiting

    @property
    def waiting(self) -> int:
        """Calls that wait."""
        with self._changed:
            return self._room.waiting

    def submit(self, owner: str, call: Callable[[], T]) -> Future[T]:
        """Queue a call; cancelling its future takes it off the queue if it has not begun.

        Raises:
            Full: there is no room.
            OwnersShareFull: there is none for this owner.
            RuntimeError: the threads were ended.
        """
        future: Future[T] = Future()
        work: _Work = (future, call)
        with self._changed:
            if self._closed:
                raise RuntimeError("the threads were ended")
            self._room.put(owner, work)
            self._start_one()
            self._changed.notify()
        future.add_done_callback(lambda _: self._drop(owner, work))
        return future

    def close(self, *, final: bool = False) -> None:
        """Let the threads end once they have nothing to do; `final`: drop what waits, and take no more."""
        with self._changed:
            self._generation += 1
            self._started = self._idle = 0
            self._closed = final
            dropped = self._room.clear() if final else []
            self._changed.notify_all()
        for future, _ in dropped:
            future.cancel()

    def join(self) -> None:
        """Wait until nothing runs."""
        with self._nothing_runs:
            self._nothing_runs.wait_for(lambda: not self._room.running)

    def _start_one(self) -> None:
        """Start a thread, unless one is idle or there are enough."""
        most = min(self._most_threads, self._room.running + self._room.waiting)
        if self._idle < self._room.waiting and self._started < most:
            self._started += 1
            thread = threading.Thread(
                target=self._serve,
                args=(self._generation,),
                name=f"{self._name}-{self._started}",
                daemon=True,
            )
            thread.start()

    def _drop(self, owner: str, work: _Work) -> None:
        """Take note that a call is over; one that was cancelled still lies in the queue."""
        with self._changed:
            self._room.discard(owner, work)

    def _serve(self, generation: int) -> None:
        while (taken := self._next(generation)) is not None:
            owner, (future, call) = taken
            settle = _outcome(future, call) if future.set_running_or_notify_cancel() else None
            with self._changed:
                self._room.leave(owner)
                if not self._room.running:
                    self._nothing_runs.notify_all()
            if settle is not None:  # behind it: whoever waits finds the place free
                settle()
            del taken, future, call, settle  # an idle thread must not keep the last request's body alive

    def _next(self, generation: int) -> tuple[str, _Work] | None:
        """Wait for a call that may run; None: the thread is to end."""
        with self._changed:
            self._idle += generation == self._generation
            try:
                while True:
                    if (taken := self._room.take()) is not None:
                        if self._room.more_may_run():
                            self._changed.notify()
                        return taken
                    if generation != self._generation:
                        return None
                    self._changed.wait()
            finally:
                self._idle -= generation == self._generation


def _outcome(future: Future[Any], call: Callable[[], Any]) -> Callable[[], None]:
    """Call, and return what tells the one who waits."""
    try:
        outcome = call()
    except BaseException as error:  # noqa: BLE001  whatever it is, it belongs to the one who waits
        return functools.partial(future.set_exception, error)
    return functools.partial(future.set_result, outcome)
