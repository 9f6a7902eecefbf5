"""An utterance while it is being spoken, on its way to a decoding process that is its own for the time."""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from chalicelib.engines.protocol import (
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Samples,
)
from chalicelib.recognition.decoding.decoder_answers import Answer, OpenedUtterance, TaskFailure
from chalicelib.recognition.decoding.decoder_worker import Feed, Finish, Message, Open, Partial

PARTIAL_EVERY_S = 0.25
_PARTIAL_SHARE = 0.25
"""Of the time at most; where readings cost much they come less often, so that they hold up no final."""


class Process(Protocol):
    """A decoding process; both calls raise when it dies."""

    def tell(self, message: Message) -> None:
        """Send what is not answered."""
        ...

    def ask(self, message: Message) -> Answer:
        """Send a question and return its answer."""
        ...


class UtterancePlace(enum.Enum):
    """Where an utterance is."""

    QUEUED = "waits for a process"
    SERVED = "has one"
    PARKED = "gave its process to others that wait, and gets one again when it is over"


@dataclass(frozen=True)
class _Wanted:
    options: DecodingOptions
    answer: Future[DecodedUtterance]


class SpokenUtterance:
    """What its owner says of it at any time, without waiting, and what the thread of a process makes of it.

    Everything fed is kept, so that another process can take over, and the decoding can go on after it was
    concluded too early.
    """

    def __init__(
        self,
        base_version: str,
        custom: CustomModels,
        on_partial: Callable[[Hypothesis], None] | None,
        enqueue: Callable[[SpokenUtterance], None],
        as_error: Callable[[TaskFailure], Exception],
        *,
        heard: Callable[[Samples], None] = lambda _: None,
    ) -> None:
        """Make an utterance that is not queued yet.

        Args:
            base_version: of the catalogue.
            custom: models on top of it.
            on_partial: called from another thread with the best reading so far, every now and then; None:
                nobody wants to know, and no time is spent on it.
            enqueue: has a thread call `serve` when it is this utterance's turn.
            as_error: of what a process answers.
            heard: is told of what is fed.
        """
        self.base_version = base_version
        self._custom = custom
        self._on_partial = on_partial
        self._enqueue = enqueue
        self._as_error = as_error
        self._heard = heard
        self._changed = threading.Condition()
        self._place = UtterancePlace.QUEUED
        self._blocks: list[Samples] = []
        self._wanted: _Wanted | None = None
        self._error: Exception | None = None
        self._closed = False
        self.decodes_along = False
        """What is fed is decoded at once; known when a process has opened the utterance."""

    def feed(self, samples: Samples) -> None:
        """Take the next samples; withdraws what was concluded before them."""
        self._heard(samples)
        with self._changed:
            self._blocks.append(samples)
            self._withdraw()
            self._changed.notify_all()

    def conclude(self, options: DecodingOptions) -> Future[DecodedUtterance]:
        """Have everything decoded that was fed; further audio cancels the answer.

        Raises:
            decoders.NoCapacity: it had given way to others, and now too many wait.
        """
        with self._changed:
            self._withdraw()
            self._wanted = _Wanted(options, Future())
            answer = self._wanted.answer
            if self._error is not None:
                answer.set_exception(self._error)
            parked = self._place is UtterancePlace.PARKED
            if parked:
                self._place = UtterancePlace.QUEUED
            self._changed.notify_all()
        if parked:
            self._enqueue(self)
        return answer

    def close(self) -> None:
        """Let the process go; what is not answered never will be."""
        with self._changed:
            self._closed = True
            self._withdraw()
            self._blocks = []
            self._changed.notify_all()

    def fail(self, error: Exception) -> None:
        """Answer with an error from now on."""
        with self._changed:
            self._error = error
            self._closed = True
            if self._wanted is not None and not self._wanted.answer.done():
                self._wanted.answer.set_exception(error)
            self._changed.notify_all()

    def serve(self, process: Process, others_wait: Callable[[], bool]) -> None:
        """Have a process decode until the utterance is closed, or has nothing to do while others wait."""
        fed, is_open, partial_due_s = 0, False, 0.0
        while True:
            with self._changed:
                self._place = UtterancePlace.SERVED
                while not (self._closed or self._has_work(fed)):
                    if others_wait():
                        self._place = UtterancePlace.PARKED
                        return
                    self._changed.wait(PARTIAL_EVERY_S)
                if self._closed:
                    return
                if not is_open:
                    fed = 0
                blocks, wanted = self._blocks[fed:], self._wanted
            if not is_open:
                opened = process.ask(Open(self.base_version, self._custom))
                if isinstance(opened, TaskFailure):
                    self.fail(self._as_error(opened))
                    return
                self.decodes_along = isinstance(opened, OpenedUtterance) and opened.decodes_along
                is_open = True
            for block in blocks:
                process.tell(Feed(block))
            fed += len(blocks)
            if wanted is not None:
                self._answer(wanted, process.ask(Finish(wanted.options)))
                is_open = False
            elif self._on_partial is not None and (began_s := time.monotonic()) >= partial_due_s:
                answer = process.ask(Partial())
                now_s = time.monotonic()
                partial_due_s = now_s + max(PARTIAL_EVERY_S, (now_s - began_s) / _PARTIAL_SHARE)
                if isinstance(answer, TaskFailure):
                    self.fail(self._as_error(answer))
                elif isinstance(answer, Hypothesis):
                    self._on_partial(answer)

    def _has_work(self, fed: int) -> bool:
        return len(self._blocks) > fed or (self._wanted is not None and not self._wanted.answer.done())

    def _answer(self, wanted: _Wanted, answer: Answer) -> None:
        with self._changed:
            if wanted.answer.done():
                return
            if isinstance(answer, DecodedUtterance):
                wanted.answer.set_result(answer)
            elif isinstance(answer, TaskFailure):
                wanted.answer.set_exception(self._as_error(answer))

    def _withdraw(self) -> None:
        if self._wanted is not None:
            self._wanted.answer.cancel()
            self._wanted = None
