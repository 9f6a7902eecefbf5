"""A lasting pool of decoding processes; one that dies is replaced and its utterance tried once more."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import DecodedUtterance
from chalicelib.recognition.decoder_worker import Answer, Failure, Task

DECODING_LIMIT_S = 900.0
"""For one utterance (two minutes of audio at most); a process that takes longer counts as stuck."""
_QUEUED_PER_WORKER = 2

WORKER_COMMAND = (sys.executable, "-m", "chalicelib.recognition.decoder_process")
"""Called with a connected socket's file descriptor and this process's id."""


class DecodingFailed(Exception):
    """An utterance could not be decoded, for reasons that are not the user's."""


class _WorkerDied(Exception):
    """The process is gone, or had to be ended."""


class _Worker:
    """One decoding process. A plain socket and `Popen`: in Lambda `multiprocessing` has no semaphores."""

    def __init__(self, command: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
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

    def decode(self, task: Task, limit_s: float) -> Answer:
        try:
            self._connection.send(task)
            if not self._connection.poll(limit_s):
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
    ) -> None:
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

        Raises:
            DecodingFailed: an engine failed, or its process died twice over the same utterance.
            engines.errors.ModelUnreadable: a custom model is damaged or made for another base version.
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

    def _decode(self, task: Task) -> DecodedUtterance:
        try:
            answer = self._attempt(task)
        except _WorkerDied:
            try:
                answer = self._attempt(task)
            except _WorkerDied as error:
                raise DecodingFailed("the decoding process died twice over the same utterance") from error
        if isinstance(answer, Failure):
            raise (ModelUnreadable if answer.model_unreadable else DecodingFailed)(answer.message)
        return answer

    def _attempt(self, task: Task) -> Answer:
        thread = threading.get_ident()
        with self._lock:
            if self._closed:
                raise DecodingFailed("the decoding processes were ended")
            worker = self._workers.get(thread)
            if worker is None:
                worker = self._workers[thread] = _Worker(self._command)
        try:
            return worker.decode(task, self._limit_s)
        except _WorkerDied:
            worker.end()
            with self._lock:
                self._workers.pop(thread, None)
            raise
