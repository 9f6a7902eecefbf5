"""One process per event function, forked when its first event comes and ended when none has come for a while.

This process has everything loaded that they share, and memory that nobody changes is there once. It has one
thread, as whoever forks should, and takes no messages: what a killed worker was at comes back to the queue.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from infra.local import events
from infra.local.events import Occasion
from infra.local.functions import dispatcher
from infra.local.processes import child
from infra.local.store.awaiting import Question, Unanswered

_LOG = logging.getLogger(__name__)
_IDLE_S = 120.0
"""A worker that has had no message for so long ends. To fork another takes a few milliseconds."""
_RETRY_S = 0.5
_QUICK_END_S = 5.0
_MAX_PAUSE_S = 10.0
_SIGNALS = (signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1)
_BACKGROUND = frozenset({"audio_uploaded", "corpus_added", "language_training", "evaluation_due"})
"""Functions that take minutes of a core, for which nobody sits and waits: requests come before them."""
_BACKGROUND_NICENESS = 5
STORE_RESTARTED = signal.SIGUSR1
"""The queues are empty: the clock's functions are to be called now."""

Function = events.QueueFunction | events.ScheduledFunction
Work = Callable[[], None]


@dataclass
class _Worker:
    """An event function, and the process that it has now."""

    function: Function
    occasion: Occasion
    """What a function of the clock is told, until it has been called with success."""
    process_id: int | None = None
    began_s: float = 0.0
    not_before_s: float = 0.0
    quick_ends: int = 0


class EventWorkers:
    """Starts workers when they are needed; `run` returns after SIGTERM, when all of them have ended."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        question: Question,
        start: Callable[[Function, Occasion], Work],
        logs: Path,
        *,
        restarted: Callable[[], None] | None = None,
        warn: Callable[[str], None] = _LOG.warning,
    ) -> None:
        """Take what there is to do.

        Args:
            functions: by name.
            question: tells which queues have messages.
            start: returns what a function's worker does; functions of the clock are told of the occasion.
            logs: the folder for the workers' output.
            restarted: the service has just started; to be called after the clock's first calls. No queue is
                looked at before. None: who was here before has ended, and may have missed that the store was
                restarted.
            warn: is told of workers that ended as they should not.
        """
        occasion = Occasion.MESSAGES_LOST if restarted is None else Occasion.RESTARTED
        self._workers = [_Worker(function, occasion) for function in functions.values()]
        self._question = question
        self._start = start
        self._logs = logs
        self._restarted = restarted
        self._warn = warn
        self._stopping = False
        self._store_restarted = False
        self._ask_again_s = 0.0

    def run(self) -> None:
        """Work until SIGTERM."""
        self._woken, self._waker = os.pipe()
        for descriptor in (self._woken, self._waker):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, self._note)
        while not self._stopping:
            self._heed_store()
            self._reap()
            self._call_clocks()
            self._sleep(self._ask())
        self._question.close()
        self._signal_all(signal.SIGTERM)
        while self._process_ids:
            self._sleep(asked=False)
            self._reap()

    @property
    def _process_ids(self) -> list[int]:
        return [worker.process_id for worker in self._workers if worker.process_id is not None]

    def _note(self, number: int, _: object) -> None:
        self._stopping |= number == signal.SIGTERM
        self._store_restarted |= number == STORE_RESTARTED

    def _signal_all(self, number: int) -> None:
        for process_id in self._process_ids:
            os.kill(process_id, number)

    def _heed_store(self) -> None:
        """After a restart of the store, call the clock's functions anew: what lay in the queues is gone."""
        if not self._store_restarted:
            return
        self._store_restarted = False
        for worker in self._workers:
            if isinstance(worker.function, events.ScheduledFunction):
                worker.not_before_s = 0.0
                if worker.occasion is not Occasion.RESTARTED:
                    worker.occasion = Occasion.MESSAGES_LOST
                if worker.process_id is not None:
                    os.kill(worker.process_id, signal.SIGKILL)
                    os.waitpid(worker.process_id, 0)
                    worker.process_id = None

    def _reap(self) -> None:
        """Take note of workers that have ended."""
        for worker in self._workers:
            if worker.process_id is None:
                continue
            process_id, status = os.waitpid(worker.process_id, os.WNOHANG)
            if process_id:
                worker.process_id = None
                self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: _Worker, status: int) -> None:
        name, now_s = worker.function.name, time.monotonic()
        if status == 0 or self._stopping:
            worker.quick_ends, worker.occasion = 0, Occasion.TIME
        else:
            worker.quick_ends = worker.quick_ends + 1 if now_s - worker.began_s < _QUICK_END_S else 0
            worker.not_before_s = now_s + min(worker.quick_ends**2 * 0.2, _MAX_PAUSE_S)
            log = self._logs / f"{name}.log"
            self._warn(f"the part '{name}' ended with status {status} and is started again; see {log}")
        if self._restarted is not None and not self._first_calls_left:
            self._restarted()
            self._restarted = None

    @property
    def _first_calls_left(self) -> bool:
        return any(
            worker.occasion is Occasion.RESTARTED and isinstance(worker.function, events.ScheduledFunction)
            for worker in self._workers
        )

    def _call_clocks(self) -> None:
        """Start the functions of the clock whose time has come; one that still runs is waited for."""
        for worker in self._workers:
            function, now_s = worker.function, time.monotonic()
            if not isinstance(function, events.ScheduledFunction) or worker.process_id is not None:
                continue
            if now_s >= worker.not_before_s:
                worker.not_before_s = now_s + function.every_s
                self._fork(worker)

    def _ask(self) -> bool:
        """Ask for messages for whoever has no worker; False: there is nothing to be answered."""
        now_s = time.monotonic()
        if self._restarted is not None or now_s < self._ask_again_s:
            return False
        wanted = frozenset(
            worker.function.queue
            for worker in self._workers
            if isinstance(worker.function, events.QueueFunction)
            and worker.process_id is None
            and now_s >= worker.not_before_s
        )
        if not wanted:
            self._question.close()
            return False
        if wanted != self._question.asked:
            try:
                self._question.ask(wanted)
            except Unanswered as error:
                self._wait_for_store(error)
                return False
        return True

    def _wait_for_store(self, error: Unanswered) -> None:
        _LOG.warning("the queues cannot be asked: %s", error)
        self._ask_again_s = time.monotonic() + _RETRY_S

    def _sleep(self, asked: bool) -> None:
        """Wait for an answer, a signal, or the next moment at which there is something to do."""
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if asked:
            poll.register(self._question, select.POLLIN)
        now_s = time.monotonic()
        moments_s = [worker.not_before_s for worker in self._workers if worker.process_id is None]
        left_s = [moment_s - now_s for moment_s in (*moments_s, self._ask_again_s) if moment_s > now_s]
        readable = {descriptor for descriptor, _ in poll.poll(min(left_s) * 1000 if left_s else None)}
        if self._woken in readable:
            os.read(self._woken, 4096)
        if asked and self._question.fileno() in readable:
            self._take_answer()

    def _take_answer(self) -> None:
        try:
            queues = self._question.answer()
        except Unanswered as error:
            self._wait_for_store(error)
            return
        for worker in self._workers:
            if isinstance(worker.function, events.QueueFunction) and worker.function.queue in queues:
                self._fork(worker)

    def _fork(self, worker: _Worker) -> None:
        work, parent = self._start(worker.function, worker.occasion), os.getpid()
        # A signal shall meet the handlers of the one or of the other.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            process_id = os.fork()
            if process_id == 0:
                self._become(worker.function.name, parent, work)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        worker.process_id, worker.began_s = process_id, time.monotonic()

    def _become(self, name: str, parent: int, work: Work) -> NoReturn:
        """Be the worker from here on."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(STORE_RESTARTED, signal.SIG_IGN)
            self._question.close()
            os.close(self._woken)
            os.close(self._waker)
            with (self._logs / f"{name}.log").open("ab") as log:
                os.dup2(log.fileno(), 1)
                os.dup2(log.fileno(), 2)
            os.environ["ATTUNE_PARENT"] = str(parent)
            child.begin(name)
            child.rename(name)
            if name in _BACKGROUND:
                os.nice(_BACKGROUND_NICENESS)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            work()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        except BaseException:
            logging.getLogger(name).exception("the process ends")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)


def _warmed() -> dict[str, Function]:
    """Load what workers need, and return the functions. No connection is made: it could not be shared."""
    import boto3

    from chalicelib.storage import connection, objects, queues

    functions = events.functions()
    # One session for all clients: each keeps what it has read of AWS's endpoints, nine megabytes.
    boto3.setup_default_session(botocore_session=connection.shared().session)
    objects.client()
    queues.client()
    return functions


def _warning(terminal: int | None) -> Callable[[str], None]:
    """Return what tells the service's user what went wrong, and the log."""

    def warn(text: str) -> None:
        _LOG.warning(text)
        if terminal is not None:
            os.write(terminal, f"attune: {text}\n".encode())

    return warn


def _beginning(descriptor: int | None) -> Callable[[], None] | None:
    """Wait until the queues are there; return what tells of the end of the clock's first calls."""
    if descriptor is None:
        return None
    if not os.read(descriptor, 1):
        sys.exit("the service has ended")

    def tell() -> None:
        os.write(descriptor, b"\n")

    return tell


def main() -> None:
    """Run as a child process of the service."""
    parser = argparse.ArgumentParser()
    parser.add_argument("logs", type=Path)
    parser.add_argument("--terminal", type=int, metavar="DESCRIPTOR", help="where to say what went wrong")
    parser.add_argument(
        "--restarted",
        type=int,
        metavar="DESCRIPTOR",
        help="the service has just started: it sends a byte when the queues are there, and gets one after"
        " the clock's first calls",
    )
    parser.add_argument("--idle-s", type=float, default=_IDLE_S, help="after which a worker ends")
    arguments = parser.parse_args()
    child.begin("events")
    signal.signal(STORE_RESTARTED, signal.SIG_IGN)  # until there is something to do about it
    functions, client = _warmed(), dispatcher.queue_client()

    def start(function: Function, occasion: Occasion) -> Work:
        if isinstance(function, events.QueueFunction):
            return lambda: dispatcher.serve_queue(client, function, arguments.idle_s)
        return lambda: dispatcher.call(function, occasion)

    gc.collect()
    gc.freeze()  # the collector would write to what is shared
    EventWorkers(
        functions,
        Question(os.environ["AWS_ENDPOINT_URL"], os.environ["AWS_ACCESS_KEY_ID"]),
        start,
        arguments.logs,
        restarted=_beginning(arguments.restarted),
        warn=_warning(arguments.terminal),
    ).run()


if __name__ == "__main__":
    main()
