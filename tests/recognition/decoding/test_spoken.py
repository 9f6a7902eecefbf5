from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest

from chalicelib.engines.protocol import (
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Word,
)
from chalicelib.recognition.decoding.decoder_answers import Answer, OpenedUtterance, TaskFailure
from chalicelib.recognition.decoding.decoder_worker import Feed, Finish, Message, Open, Partial
from chalicelib.recognition.decoding.decoders import DecodingFailed, as_error
from chalicelib.recognition.decoding.spoken import SpokenUtterance

BLOCK = np.zeros(100, np.float32)
OPTIONS = DecodingOptions()


def said(samples: int) -> Hypothesis:
    return Hypothesis((Word(str(samples), 0.0, 1.0, 1.0),), 1.0)


class Process:
    """Says how many samples it was fed since the utterance was opened."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.fed = 0
        self.fail = False

    def tell(self, message: Message) -> None:
        self.messages.append(message)
        if isinstance(message, Feed):
            self.fed += len(message.samples)

    def ask(self, message: Message) -> Answer:
        self.messages.append(message)
        if self.fail:
            return TaskFailure("a flaw")
        if isinstance(message, Open):
            self.fed = 0
            return OpenedUtterance(decodes_along=True)
        return DecodedUtterance((said(self.fed),)) if isinstance(message, Finish) else said(self.fed)

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(message, kind) for message in self.messages)


class Stage:
    """An utterance, and a thread that serves it."""

    def __init__(self, *, partials_wanted: bool = True) -> None:
        self.partials: list[Hypothesis] = []
        self.enqueued = threading.Semaphore(0)
        self.process = Process()
        self.others_wait = False
        self.utterance = SpokenUtterance(
            "v",
            CustomModels(),
            self.partials.append if partials_wanted else None,
            lambda _: self.enqueued.release(),
            as_error,
        )
        self.thread = threading.Thread()

    def serve(self) -> None:
        self.thread = threading.Thread(
            target=self.utterance.serve, args=(self.process, lambda: self.others_wait)
        )
        self.thread.start()

    def left(self) -> None:
        """Wait until the process is free."""
        self.thread.join(60)
        assert not self.thread.is_alive()


@pytest.fixture
def stage() -> Stage:
    return Stage()


def words(answer: Future[DecodedUtterance]) -> str:
    return answer.result(60).hypotheses[0].text


def test_what_was_fed_before_its_turn_is_decoded(stage: Stage) -> None:
    stage.utterance.feed(BLOCK)
    stage.utterance.feed(BLOCK)
    answer = stage.utterance.conclude(OPTIONS)
    stage.serve()
    assert words(answer) == "200"
    stage.utterance.close()
    stage.left()


def test_speech_that_goes_on_takes_the_conclusion_back(stage: Stage) -> None:
    stage.serve()
    stage.utterance.feed(BLOCK)
    early = stage.utterance.conclude(OPTIONS)
    assert words(early) == "100"
    stage.utterance.feed(BLOCK)
    assert words(stage.utterance.conclude(OPTIONS)) == "200"
    assert stage.process.count(Open) == 2
    stage.utterance.close()
    stage.left()


def test_an_answer_taken_back_before_it_came_is_cancelled(stage: Stage) -> None:
    stage.utterance.feed(BLOCK)
    early = stage.utterance.conclude(OPTIONS)
    stage.utterance.feed(BLOCK)
    assert early.cancelled()


def test_an_utterance_with_nothing_to_do_gives_way_and_comes_back_for_its_end(stage: Stage) -> None:
    stage.others_wait = True
    stage.utterance.feed(BLOCK)
    stage.serve()
    stage.left()
    stage.utterance.feed(BLOCK)
    answer = stage.utterance.conclude(OPTIONS)
    assert stage.enqueued.acquire(timeout=60)
    stage.serve()
    assert words(answer) == "200"
    stage.left()


def test_readings_come_while_it_is_spoken(stage: Stage) -> None:
    stage.utterance.feed(BLOCK)
    stage.serve()
    while not stage.partials:
        stage.thread.join(0.01)
    assert stage.partials[0] == said(100)
    stage.utterance.close()
    stage.left()
    assert stage.process.count(Partial) >= 1


def test_nobody_asks_for_readings_that_nobody_wants() -> None:
    stage = Stage(partials_wanted=False)
    stage.utterance.feed(BLOCK)
    stage.serve()
    while not stage.process.fed:
        stage.thread.join(0.01)
    assert stage.utterance.decodes_along
    stage.utterance.feed(BLOCK)
    assert words(stage.utterance.conclude(OPTIONS)) == "200"
    assert stage.process.count(Partial) == 0
    stage.utterance.close()
    stage.left()


@pytest.mark.parametrize(
    "deed",
    [lambda utterance: utterance.close(), lambda utterance: utterance.fail(DecodingFailed("ended"))],
)
def test_a_closed_utterance_lets_its_process_go(
    stage: Stage, deed: Callable[[SpokenUtterance], None]
) -> None:
    stage.serve()
    deed(stage.utterance)
    stage.left()


def test_a_failure_is_the_answer(stage: Stage) -> None:
    stage.process.fail = True
    stage.utterance.feed(BLOCK)
    answer = stage.utterance.conclude(OPTIONS)
    stage.serve()
    with pytest.raises(DecodingFailed, match="a flaw"):
        answer.result(60)
    stage.utterance.close()
    stage.left()


def test_after_a_failure_every_answer_is_that_failure(stage: Stage) -> None:
    stage.utterance.fail(DecodingFailed("the process died"))
    with pytest.raises(DecodingFailed, match="died"):
        stage.utterance.conclude(OPTIONS).result(60)
