"""A lasting pool of decoding processes; one that dies is replaced and its utterance tried once more."""

from __future__ import annotations

import functools
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import NamedTuple, Protocol, Self, TypeVar

from chalicelib.engines import catalogue
from chalicelib.engines.errors import BaseUnreadable, CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import CustomModels, DecodedUtterance, Hypothesis, Samples
from chalicelib.recognition.decoding.decoder_answers import Batched, TaskFailure
from chalicelib.recognition.decoding.decoder_worker import DecodingBatch, Prepare, Task
from chalicelib.recognition.decoding.decoding_processes import (
    BACKGROUND,
    WORKER_COMMAND,
    DecodingProcess,
    OwnProcess,
    ProcessDied,
    SharedProcess,
)
from chalicelib.recognition.decoding.spoken import SpokenUtterance
from chalicelib.sharing.recent import Recent
from chalicelib.sharing.threads import OwnerThreads

T = TypeVar("T")

DECODING_LIMIT_S = 900.0
"""For one utterance (two minutes of audio at most); a process that takes longer counts as stuck."""
_QUEUED_PER_WORKER = 6
"""Taken ahead: while a long utterance holds up the answers, the other processes do not run out of work."""
_WAITING_PER_WORKER = 32
"""Utterances of streams; when so many wait, one that comes now would wait for longer than anyone listens."""
_LARGEST_BATCH = 8
"""Utterances; more together are not decoded faster, and the first would wait longer for its words."""
_IDLE_S = 600.0
"""A process of one thread that nobody has needed for so long ends: it holds up to three models of 100 MB."""
_UNKNOWN_RATE_HZ = 16_000
_WARMED_KEPT = 3
"""Models that a process was told to load lately."""


class DecodingFailed(Exception):
    """An utterance could not be decoded, for reasons that are not the user's."""


class NoCapacity(Exception):
    """As many utterances wait as may."""


class _ProcessPlace(NamedTuple):
    """Where a process, or the connection to a shared one, belongs."""

    thread: int
    shared: bool
    background: bool
    """It takes what others leave of the cores."""


class Speaking(Protocol):
    """What decodes utterances while they are spoken: a pool, or an owner's share of one."""

    def speak(
        self, base_version: str, custom: CustomModels, on_partial: Callable[[Hypothesis], None] | None = None
    ) -> SpokenUtterance:
        """Begin an utterance; see `DecoderPool.speak`."""
        ...


def serves_threads(base_version: str) -> bool:
    """Tell whether one loaded model of a base version serves many threads; else each needs its own."""
    try:
        return catalogue.base_version(base_version).features.serves_threads
    except KeyError:
        return False


class DecoderPool:
    """As many decoders as asked for, threads of one process or processes, as the engine takes them.

    They are started when first needed. Owners take turns. An owner who has had much lately stands back while
    others are there: what is decoded for him then takes no places from others, and only what they leave of
    the cores. Safe for threads.
    """

    def __init__(
        self,
        workers: int,
        *,
        command: Sequence[str] = WORKER_COMMAND,
        limit_s: float = DECODING_LIMIT_S,
        waiting: int | None = None,
        shared: Callable[[str], bool] = serves_threads,
        idle_s: float = _IDLE_S,
    ) -> None:
        """Take what decodes, and how.

        Args:
            workers: how many utterances are decoded at a time.
            command: starts a decoding process.
            limit_s: for one utterance; a process that takes longer counts as stuck.
            waiting: how many utterances of streams may wait for a decoder.
            shared: tells of a base version whether all threads use one process for it.
            idle_s: a process that nobody has needed for so long ends.
        """
        self._worker_count = workers
        self._most_waiting = workers * _WAITING_PER_WORKER if waiting is None else waiting
        self._waiting: Counter[str] = Counter()
        """Of each owner."""
        self._recent = Recent()
        self._spoken: set[SpokenUtterance] = set()
        self._warm_processes = max(1, workers // 2)
        self._warmed: list[tuple[str, CustomModels]] = []
        self._command = command
        self._limit_s = limit_s
        self._queue_length = workers * _QUEUED_PER_WORKER
        self._lock = threading.Lock()
        self._closed = False
        self._is_shared = shared
        self._shared = {
            False: SharedProcess(command, limit_s),
            True: SharedProcess(_in_background(command), limit_s),
        }
        """The one of ordinary priority, and the one in the background."""
        self._workers: dict[_ProcessPlace, DecodingProcess] = {}
        self._idle_s = idle_s
        self._idle_since_s: dict[_ProcessPlace, float] = {}
        """Of the threads' processes and connections; those at work are not in it."""
        self._idle_timer: threading.Timer | None = None
        # Each thread has a process of its own and a connection to the shared one, as far as they are needed.
        self._threads = OwnerThreads("decoder", workers, stands_back=self._recent.stands_back)

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
            if self._idle_timer is not None:
                self._idle_timer.cancel()
            for shared in self._shared.values():
                shared.kill()
            for worker in self._workers.values():
                worker.kill()
            spoken = list(self._spoken)
        for utterance in spoken:
            utterance.fail(_ended())
        self._threads.close(final=True)
        self._threads.join()
        while self._workers:
            self._workers.popitem()[1].end()
        for shared in self._shared.values():
            shared.close()

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes that run now."""
        with self._lock:
            own = [worker.process_id for place, worker in self._workers.items() if not place.shared]
        return (*(one for shared in self._shared.values() for one in shared.process_ids), *own)

    def of(self, owner: str) -> OwnersShare:
        """Return what decodes for an owner."""
        return OwnersShare(self, owner)

    def decode(self, tasks: Iterable[Task], owner: str = "") -> Iterator[DecodedUtterance]:
        """Yield what was decoded of each task in the order of the tasks, which are taken only a few ahead.

        Owners take turns. So do all who decode for one, since each has but a few tasks waiting.

        Raises:
            DecodingFailed: an engine failed, or its process died twice over the same utterance.
            engines.errors.ModelUnreadable: a custom model is damaged or made for another base version.
            engines.errors.CustomizationUnsupported: the engine cannot use that kind of model.
        """
        waiting: deque[Future[tuple[DecodedUtterance, ...]]] = deque()
        self._recent.note(owner)
        try:
            for batch in self._batches(tasks):
                # What is asked for counts, not what was done: who has sent much at once has had much.
                self._recent.add(owner, sum(map(len, batch.utterances)) / _rate_hz(batch.base_version))
                waiting.append(self._threads.submit(owner, functools.partial(self._decode, owner, batch)))
                if len(waiting) >= self._queue_length:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()

    def _batches(self, tasks: Iterable[Task]) -> Iterator[DecodingBatch]:
        """Yield tasks as they are decoded: one by one, or together where threads share a model.

        The first batches are small, so that a short recording keeps all threads busy.
        """
        begun: list[Task] = []
        given = 0
        for task in tasks:
            if begun and not _alike(begun[0], task):
                yield _batch(begun)
                begun, given = [], given + 1
            begun.append(task)
            most = (
                min(1 + given // self._worker_count, _LARGEST_BATCH)
                if self._is_shared(task.base_version)
                else 1
            )
            if len(begun) >= most:
                yield _batch(begun)
                begun, given = [], given + 1
        if begun:
            yield _batch(begun)

    def speak(
        self,
        base_version: str,
        custom: CustomModels,
        on_partial: Callable[[Hypothesis], None] | None = None,
        owner: str = "",
    ) -> SpokenUtterance:
        """Begin an utterance that is decoded while it is spoken, as soon as a process is free; to be closed.

        `on_partial`, if given, is called from another thread with the best reading so far, now and then.

        Raises:
            NoCapacity: too many wait already, of all or of this owner.
        """
        rate_hz = _rate_hz(base_version)
        self._recent.note(owner)

        def heard(samples: Samples) -> None:
            self._recent.add(owner, len(samples) / rate_hz)

        enqueue = functools.partial(self._queue_spoken, owner)
        utterance = SpokenUtterance(base_version, custom, on_partial, enqueue, as_error, heard=heard)
        enqueue(utterance)
        return utterance

    def warm(self, base_version: str, custom: CustomModels, owner: str = "") -> None:
        """Have some processes load a model that will soon be needed, unless they were told lately."""
        key = (base_version, custom)
        with self._lock:
            if self._closed or key in self._warmed:
                return
            self._warmed = [*self._warmed, key][-_WARMED_KEPT:]
        shared = self._is_shared(base_version)
        prepare = Prepare(base_version, custom)
        for _ in range(1 if shared else self._warm_processes):
            with suppress(NoCapacity, DecodingFailed):
                self._enqueue(owner, lambda: self._with_worker(lambda one: one.tell(prepare), shared, owner))

    @property
    def waiting(self) -> int:
        """Utterances of streams that wait for a process."""
        return self._waiting.total()

    def _queue_spoken(self, owner: str, utterance: SpokenUtterance) -> None:
        with self._lock:
            self._spoken.add(utterance)
        try:
            self._enqueue(owner, functools.partial(self._serve, owner, utterance))
        except BaseException:
            with self._lock:
                self._spoken.discard(utterance)
            raise

    def _enqueue(self, owner: str, work: Callable[[], T]) -> Future[T]:
        begun = threading.Event()

        def begin() -> T:
            self._leave_queue(owner, begun)
            return work()

        with self._lock:
            if self._closed:
                raise _ended()
            if self._waiting.total() >= self._most_waiting or self._has_share_waiting(owner):
                raise NoCapacity
            self._waiting[owner] += 1
            future = self._threads.submit(owner, begin)
        future.add_done_callback(
            lambda _: self._leave_queue(owner, begun)
        )  # if it was cancelled before its turn
        return future

    def _has_share_waiting(self, owner: str) -> bool:
        """Tell whether an owner has half of all places in the queue, where others have some, too."""
        return self._waiting[owner] >= max(1, self._most_waiting // 2) and self._recent.others_than(owner)

    def _leave_queue(self, owner: str, begun: threading.Event) -> None:
        with self._lock:
            if not begun.is_set():
                begun.set()
                self._waiting[owner] -= 1

    def _serve(self, owner: str, utterance: SpokenUtterance) -> None:
        try:
            self._twice(
                lambda process: utterance.serve(process, lambda: self.waiting > 0),
                utterance.base_version,
                owner,
            )
        except Exception as error:  # noqa: BLE001  whatever it is, somebody waits for the answer
            utterance.fail(error)
        finally:
            with self._lock:
                self._spoken.discard(utterance)

    def _decode(self, owner: str, batch: DecodingBatch) -> tuple[DecodedUtterance, ...]:
        answer = self._twice(lambda process: process.ask(batch), batch.base_version, owner)
        if isinstance(answer, TaskFailure):
            raise as_error(answer)
        assert isinstance(answer, Batched)
        return answer.utterances

    def _twice(self, work: Callable[[DecodingProcess], T], base_version: str, owner: str) -> T:
        """Do something with a process, and once more if it dies of it.

        The second time it has a process to itself: if another utterance killed the shared one, it is not to
        take this one along again.

        Raises:
            DecodingFailed: it died twice, no process can be started, or the pool has ended.
        """
        shared = self._is_shared(base_version)
        with suppress(ProcessDied):
            return self._with_worker(work, shared, owner)
        try:
            return self._with_worker(work, False, owner)
        except ProcessDied as error:
            raise DecodingFailed("the decoding process died twice over the same utterance") from error
        finally:
            if shared:
                for background in self._shared:
                    self._drop(_ProcessPlace(threading.get_ident(), False, background))

    def _with_worker(self, work: Callable[[DecodingProcess], T], shared: bool, owner: str) -> T:
        """Do something with this thread's process, or with the shared one, which is started if need be.

        Raises:
            DecodingFailed: none can be started, or the pool has ended.
            ProcessDied: the process ended before it answered.
        """
        key = _ProcessPlace(threading.get_ident(), shared, self._recent.stands_back(owner))
        with self._lock:
            if self._closed:
                raise _ended()
            self._idle_since_s.pop(key, None)
            worker = self._workers.get(key)
            if worker is None:
                try:
                    worker = self._workers[key] = self._started(key)
                except OSError as error:
                    raise DecodingFailed(f"no decoding process could be started: {error}") from error
        try:
            result = work(worker)
        except Exception:
            self._drop(key)  # dead, or left with an answer that the next one must not get
            raise
        self._rests(key)
        return result

    def _rests(self, key: _ProcessPlace) -> None:
        """Take note that a process has nothing to do, and see to its end if that lasts."""
        with self._lock:
            self._idle_since_s[key] = time.monotonic()
            self._watch_idle(self._idle_s)

    def _watch_idle(self, in_s: float) -> None:
        if self._idle_timer is None and not self._closed:
            self._idle_timer = threading.Timer(in_s, self._end_idle)
            self._idle_timer.daemon = True
            self._idle_timer.start()

    def _end_idle(self) -> None:
        """End the processes that have had nothing to do for long, and look again when others will have."""
        with self._lock:
            self._idle_timer = None
            over_s = time.monotonic() - self._idle_s
            keys = [key for key, since_s in self._idle_since_s.items() if since_s <= over_s]
            ended = [self._workers.pop(key) for key in keys if key in self._workers]
            for key in keys:
                del self._idle_since_s[key]
            if ended:
                self._warmed.clear()  # what they had loaded
            for background, shared in self._shared.items():
                if not any(place.shared and place.background == background for place in self._workers):
                    shared.close()
            if self._idle_since_s:
                self._watch_idle(min(self._idle_since_s.values()) - over_s)
        for worker in ended:
            worker.end()

    def _started(self, place: _ProcessPlace) -> DecodingProcess:
        if place.shared:
            return self._shared[place.background].connect()
        command = _in_background(self._command) if place.background else self._command
        return OwnProcess(command, self._limit_s)

    def _drop(self, key: _ProcessPlace) -> None:
        with self._lock:
            self._idle_since_s.pop(key, None)
            worker = self._workers.pop(key, None)
        if worker is not None:
            worker.end()


class OwnersShare:
    """A pool as one owner has it."""

    def __init__(self, pool: DecoderPool, owner: str) -> None:
        self._pool = pool
        self._owner = owner

    def decode(self, tasks: Iterable[Task]) -> Iterator[DecodedUtterance]:
        """Yield what was decoded of each task; see `DecoderPool.decode`."""
        return self._pool.decode(tasks, self._owner)

    def speak(
        self, base_version: str, custom: CustomModels, on_partial: Callable[[Hypothesis], None] | None = None
    ) -> SpokenUtterance:
        """Begin an utterance; see `DecoderPool.speak`."""
        return self._pool.speak(base_version, custom, on_partial, self._owner)

    def warm(self, base_version: str, custom: CustomModels) -> None:
        """Have some processes load a model; see `DecoderPool.warm`."""
        self._pool.warm(base_version, custom, self._owner)


def _in_background(command: Sequence[str]) -> tuple[str, ...]:
    return (*command, *(() if BACKGROUND in command else (BACKGROUND,)))


def _rate_hz(base_version: str) -> int:
    try:
        return catalogue.base_version(base_version).rate_hz
    except KeyError:
        return _UNKNOWN_RATE_HZ


def _alike(one: Task, other: Task) -> bool:
    return (one.base_version, one.custom, one.options) == (other.base_version, other.custom, other.options)


def _batch(tasks: Sequence[Task]) -> DecodingBatch:
    first = tasks[0]
    return DecodingBatch(
        first.base_version, first.custom, tuple(task.samples for task in tasks), first.options
    )


def as_error(failure: TaskFailure) -> Exception:
    """Return what a process's failure is raised as."""
    if failure.customization_unsupported:
        return CustomizationUnsupported(failure.message)
    if failure.base_unreadable:
        return BaseUnreadable(failure.message)
    return (ModelUnreadable if failure.model_unreadable else DecodingFailed)(failure.message)


def _ended() -> DecodingFailed:
    return DecodingFailed("the decoding processes were ended")
