"""A lasting pool of decoding processes; one that dies is replaced and its utterance tried once more."""

from __future__ import annotations

import functools
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from chalicelib.engines.errors import CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import CustomModels, DecodedUtterance, Hypothesis
from chalicelib.recognition.decoder_worker import RECOGNIZERS_KEPT, Answer, Failure, Message, Prepare, Task
from chalicelib.recognition.spoken import SpokenUtterance

T = TypeVar("T")

DECODING_LIMIT_S = 900.0
"""For one utterance (two minutes of audio at most); a process that takes longer counts as stuck."""
_QUEUED_PER_WORKER = 6
"""Taken ahead: while a long utterance holds up the answers, the other processes do not run out of work."""
_WAITING_PER_WORKER = 32
"""Utterances of streams; when so many wait, one that comes now would wait for longer than anyone listens."""

WORKER_COMMAND = (sys.executable, "-m", "chalicelib.recognition.decoder_process")
"""Called with a connected socket's file descriptor and this process's id."""
BACKGROUND_COMMAND = (*WORKER_COMMAND, "--background")
"""The same, for work that takes only what others leave of the cores."""


class DecodingFailed(Exception):
    """An utterance could not be decoded, for reasons that are not the user's."""


class NoCapacity(Exception):
    """As many utterances wait as may."""


class _WorkerDied(Exception):
    """The process is gone, or had to be ended."""


class _Worker:
    """One decoding process. A plain socket and `Popen`: in Lambda `multiprocessing` has no semaphores."""

    def __init__(self, command: Sequence[str], limit_s: float) -> None:
        self._limit_s = limit_s
        ours, theirs = socket.socketpair()
        with ours, theirs:
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # One core each, and the same modules as here, wherever they were found.
                env={
                    **os.environ,
                    "OMP_NUM_THREADS": "1",
                    "OPENBLAS_NUM_THREADS": "1",
                    "PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path),
                },
            )
            self._connection = Connection(ours.detach())

    @property
    def process_id(self) -> int:
        return self._process.pid

    def tell(self, message: Message) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise _WorkerDied(str(error)) from error

    def ask(self, message: Message) -> Answer:
        self.tell(message)
        try:
            if not self._connection.poll(self._limit_s):
                raise _WorkerDied("stuck")
            answer: Answer = self._connection.recv()
        except (EOFError, OSError) as error:
            raise _WorkerDied(str(error)) from error
        return answer

    def kill(self) -> None:
        """End the process; whoever waits for its answer sees the connection close."""
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()


class DecoderPool:
    """As many decoding processes as asked for, started when first needed. Safe for threads."""

    def __init__(
        self,
        workers: int,
        *,
        command: Sequence[str] = WORKER_COMMAND,
        limit_s: float = DECODING_LIMIT_S,
        waiting: int | None = None,
    ) -> None:
        """Take the number of processes; `waiting` is how many utterances of streams may wait for one."""
        self._most_waiting = workers * _WAITING_PER_WORKER if waiting is None else waiting
        self._waiting = 0
        self._spoken: set[SpokenUtterance] = set()
        self._warm_processes = max(1, workers // 2)
        self._warmed: list[tuple[str, CustomModels]] = []
        self._command = command
        self._limit_s = limit_s
        self._queue_length = workers * _QUEUED_PER_WORKER
        self._lock = threading.Lock()
        self._closed = False
        self._workers: dict[int, _Worker] = {}
        # Each thread owns one process: it waits for its answers, and the process ends when the thread does.
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="decoder")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process; what is being decoded fails."""
        with self._lock:
            self._closed = True
            for worker in self._workers.values():
                worker.kill()
            spoken = list(self._spoken)
        for utterance in spoken:
            utterance.fail(_ended())
        self._threads.shutdown(wait=True, cancel_futures=True)
        while self._workers:
            self._workers.popitem()[1].end()

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes that run now."""
        with self._lock:
            return tuple(worker.process_id for worker in self._workers.values())

    def decode(self, tasks: Iterable[Task]) -> Iterator[DecodedUtterance]:
        """Yield what was decoded of each task in the order of the tasks, which are taken only a few ahead.

        All who decode take turns, since each has but a few tasks waiting.

        Raises:
            DecodingFailed: an engine failed, or its process died twice over the same utterance.
            engines.errors.ModelUnreadable: a custom model is damaged or made for another base version.
            engines.errors.CustomizationUnsupported: the engine cannot use that kind of model.
        """
        waiting: deque[Future[DecodedUtterance]] = deque()
        try:
            for task in tasks:
                waiting.append(self._threads.submit(self._decode, task))
                if len(waiting) >= self._queue_length:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def speak(
        self, base_version: str, custom: CustomModels, on_partial: Callable[[Hypothesis], None] | None = None
    ) -> SpokenUtterance:
        """Begin an utterance that is decoded while it is spoken, as soon as a process is free; to be closed.

        `on_partial`, if given, is called from another thread with the best reading so far, now and then.

        Raises:
            NoCapacity: too many wait already.
        """
        utterance = SpokenUtterance(base_version, custom, on_partial, self._queue_spoken, as_error)
        self._queue_spoken(utterance)
        return utterance

    def warm(self, base_version: str, custom: CustomModels) -> None:
        """Have some processes load a model that will soon be needed, unless they were told lately."""
        key = (base_version, custom)
        with self._lock:
            if self._closed or key in self._warmed:
                return
            self._warmed = [*self._warmed, key][-RECOGNIZERS_KEPT:]
        for _ in range(self._warm_processes):
            with suppress(NoCapacity, DecodingFailed):
                self._enqueue(lambda: self._with_worker(lambda one: one.tell(Prepare(base_version, custom))))

    @property
    def waiting(self) -> int:
        """Utterances of streams that wait for a process."""
        return self._waiting

    def _queue_spoken(self, utterance: SpokenUtterance) -> None:
        with self._lock:
            self._spoken.add(utterance)
        try:
            self._enqueue(functools.partial(self._serve, utterance))
        except BaseException:
            with self._lock:
                self._spoken.discard(utterance)
            raise

    def _enqueue(self, work: Callable[[], T]) -> Future[T]:
        begun = threading.Event()

        def begin() -> T:
            self._leave_queue(begun)
            return work()

        with self._lock:
            if self._closed:
                raise _ended()
            if self._waiting >= self._most_waiting:
                raise NoCapacity
            self._waiting += 1
            future = self._threads.submit(begin)
        future.add_done_callback(lambda _: self._leave_queue(begun))  # if it was cancelled before its turn
        return future

    def _leave_queue(self, begun: threading.Event) -> None:
        with self._lock:
            if not begun.is_set():
                begun.set()
                self._waiting -= 1

    def _serve(self, utterance: SpokenUtterance) -> None:
        try:
            for _ in range(2):
                try:
                    self._with_worker(lambda process: utterance.serve(process, lambda: self._waiting > 0))
                except _WorkerDied:
                    continue
                return
            utterance.fail(DecodingFailed("the decoding process died twice over the same utterance"))
        except Exception as error:  # noqa: BLE001  whatever it is, somebody waits for the answer
            utterance.fail(error)
        finally:
            with self._lock:
                self._spoken.discard(utterance)

    def _decode(self, task: Task) -> DecodedUtterance:
        try:
            answer = self._with_worker(lambda process: process.ask(task))
        except _WorkerDied:
            try:
                answer = self._with_worker(lambda process: process.ask(task))
            except _WorkerDied as error:
                raise DecodingFailed("the decoding process died twice over the same utterance") from error
        if isinstance(answer, Failure):
            raise as_error(answer)
        assert isinstance(answer, DecodedUtterance)
        return answer

    def _with_worker(self, work: Callable[[_Worker], T]) -> T:
        """Do something with this thread's process, which is started if need be.

        Raises:
            DecodingFailed: none can be started, or the pool has ended.
            _WorkerDied: the process ended before it answered.
        """
        thread = threading.get_ident()
        with self._lock:
            if self._closed:
                raise _ended()
            worker = self._workers.get(thread)
            if worker is None:
                try:
                    worker = self._workers[thread] = _Worker(self._command, self._limit_s)
                except OSError as error:
                    raise DecodingFailed(f"no decoding process could be started: {error}") from error
        try:
            return work(worker)
        except Exception:
            worker.end()  # dead, or left with an answer that the next one must not get
            with self._lock:
                self._workers.pop(thread, None)
            raise


def as_error(failure: Failure) -> Exception:
    """Return what a process's failure is raised as."""
    if failure.customization_unsupported:
        return CustomizationUnsupported(failure.message)
    return (ModelUnreadable if failure.model_unreadable else DecodingFailed)(failure.message)


def _ended() -> DecodingFailed:
    return DecodingFailed("the decoding processes were ended")
