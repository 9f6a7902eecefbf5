"""Recognition jobs as the service works on them: cut, decoded in pieces, put together."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalicelib.jobs import window
from chalicelib.recognition.audio.utterances import LONGEST_S
from chalicelib.recognition.function import pieces
from infra.package import ROOT
from infra.resources import TEMPLATE
from infra.scale import published
from infra.scale.clock import Process, SimulationClock
from infra.scale.functions import AccountConcurrency, Function, Killed
from infra.scale.queue import Message, SimulatedQueue
from infra.scale.waits import Waits

_PROCESSOR_MB = 1769
"""For so much memory Lambda gives one processor."""
_SAMPLE_BYTES = 2
_RATE_HZ = 16_000


@dataclass(frozen=True)
class TemplateRules:
    """What the template and its parameter `AccountConcurrency` decide."""

    account: int
    """Functions that the account lets run at once."""
    most_of_queue: int
    """`MaximumConcurrency` of the queue in which jobs and their pieces wait."""
    piece_s: float
    pieces_at_once: int


def rules(account_concurrency: int) -> TemplateRules:
    """Return what holds in an account that lets so many functions run at once: 10, 100 or 1000.

    Raises:
        KeyError: the template knows no such account.
    """
    mappings = json.loads(TEMPLATE.read_text())["Mappings"]
    account = str(account_concurrency)
    return TemplateRules(
        account=account_concurrency,
        most_of_queue=int(mappings["Concurrency"][account]["RecognitionQueued"]),
        piece_s=float(mappings["Pieces"][account]["Seconds"]),
        pieces_at_once=int(mappings["Pieces"][account]["AtOnce"]),
    )


@dataclass
class SimulatedJob:
    """A recording whose utterances have these lengths; nothing else is in it."""

    utterances_s: Sequence[float]
    came_s: float = 0.0
    cut_s: float = 0.0
    left: list[int] = field(default_factory=list)
    pieces_s: list[float] = field(default_factory=list)
    done_s: float | None = None

    @property
    def audio_s(self) -> float:
        """How long the recording is."""
        return sum(self.utterances_s)


def spoken(audio_s: float, seed: int) -> list[float]:
    """Return lengths of utterances that fill a recording without a pause."""
    drawn, utterances = random.Random(seed), list[float]()
    left_s = audio_s
    while left_s > 0:
        length_s = min(left_s, LONGEST_S, 0.5 + drawn.expovariate(1 / (published.value("utterance") - 0.5)))
        utterances.append(length_s)
        left_s -= length_s
    return utterances


def _memory_mb(function: str) -> int:
    config: dict[str, Any] = json.loads((ROOT / ".chalice" / "config.json").read_text())
    return int(config["stages"]["prod"]["lambda_functions"][function]["lambda_memory_size"])


class SimulatedService:
    """The two functions, their queue, and the jobs."""

    def __init__(
        self, rules: TemplateRules, engine: str, dies: Callable[[Message], bool] = lambda _: False
    ) -> None:
        """Take the rules, `light` or `whisper`, and in whose work the waiting function is killed half-way."""
        self.clock = SimulationClock()
        self.waits = Waits()
        self.account = AccountConcurrency(rules.account)
        self.jobs: list[SimulatedJob] = []
        self._rules = rules
        self._dies = dies
        self._window = "window" if rules.pieces_at_once < rules.most_of_queue else "MaximumConcurrency"
        recognize_mb = _memory_mb("recognize")
        self._per_s = published.value(engine) / published.value("processor")
        self._processors = recognize_mb / _PROCESSOR_MB
        cold_s = published.value("cold_engine") + published.value("model")
        if engine == "whisper":
            cold_s += published.value("unpacking")
        self.recognize = Function(self.clock, self.account, recognize_mb / 1024, cold_s)
        waiting_gb = _memory_mb("recognition_queued") / 1024
        self.waiting = Function(self.clock, self.account, waiting_gb, published.value("cold_small"))
        self.queue = SimulatedQueue(self.clock, self.waiting, self._work, rules.most_of_queue, self.waits)

    def hours_an_hour(self) -> float:
        """Return how many hours of audio are recognised in an hour, as long as enough of them come."""
        return self._rules.most_of_queue * self._processors / self._per_s

    @property
    def usd(self) -> float:
        """What all of it has cost by now."""
        return self.recognize.usd + self.waiting.usd + self.queue.usd

    def take(self, job: SimulatedJob, at_s: float = 0.0) -> None:
        """Have a job come at a moment."""
        job.came_s = at_s
        self.jobs.append(job)
        self.clock.start(self._announce(Message(len(self.jobs) - 1)), at_s)

    def _announce(self, message: Message) -> Process:
        yield 0.0
        self.queue.send(message)

    def _work(self, message: Message) -> Process:
        """What `jobs.work` does with a message."""
        job = self.jobs[message.job]
        yield 2 * published.value("row")
        if job.done_s is not None:
            return
        if message.piece is None and not job.pieces_s:
            yield from self._begin(message, job)
        elif message.piece is not None and message.piece in job.left:
            yield from self._call(self._decoding(job.pieces_s[message.piece]), message)
            yield published.value("row")
            if message.piece in job.left:
                job.left.remove(message.piece)
                following = window.following(job.left, self._rules.pieces_at_once)
                self._send(message.job, following)
                if following:
                    self.waits.met(self._window, self.clock.now_s, self.clock.now_s - job.cut_s)
            if not job.left:
                yield from self._call(self._joining(job), message)
                job.done_s = self.clock.now_s

    def _begin(self, message: Message, job: SimulatedJob) -> Process:
        grouped = list(pieces.grouped(job.utterances_s, float, self._rules.piece_s))
        if len(grouped) == 1 and not grouped[0][1]:
            yield from self._call(self._whole(job), message)
            job.done_s = self.clock.now_s
            return
        yield from self._call(self._cutting(job, len(grouped)), message)
        job.pieces_s = [sum(piece) for piece, _ in grouped]
        job.left = list(range(len(grouped)))
        job.cut_s = self.clock.now_s
        first = window.first(job.left, self._rules.pieces_at_once)
        yield published.value("row") * len(first)
        self._send(message.job, first)

    def _send(self, job: int, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.queue.send(Message(job, number))

    def _call(self, body: Process, message: Message) -> Process:
        if self._dies(message):
            yield next(body) / 2
            raise Killed
        yield from self.recognize.run(body)

    def _looked_at_s(self, job: SimulatedJob) -> float:
        """Return how long it takes to fetch a recording and to find its utterances."""
        fetched_s = job.audio_s * _RATE_HZ * _SAMPLE_BYTES / published.value("network")
        return published.value("small_object") + fetched_s + job.audio_s * published.value("looking")

    def _whole(self, job: SimulatedJob) -> Process:
        yield self._looked_at_s(job) + job.audio_s * self._per_s / self._processors

    def _cutting(self, job: SimulatedJob, count: int) -> Process:
        yield self._looked_at_s(job) + self._objects_s(count)

    def _decoding(self, speech_s: float) -> Process:
        yield 2 * published.value("small_object") + speech_s * self._per_s / self._processors

    def _joining(self, job: SimulatedJob) -> Process:
        yield self._looked_at_s(job) + self._objects_s(len(job.pieces_s) + 1)

    def _objects_s(self, count: int) -> float:
        return math.ceil(count / pieces.OBJECTS_AT_ONCE) * published.value("small_object")
