"""An SQS queue with Lambda's event source: how many messages are handed out at once, and which come again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.events.delivery import lease, messages
from infra.cost import SQS_REQUEST
from infra.scale import published
from infra.scale.clock import Process, SimulationClock
from infra.scale.functions import Function, Killed, Throttled
from infra.scale.waits import Waits

_POLLED_AFTER_S = 0.05
"""Until a poller that waits has a new message."""


@dataclass
class Message:
    """What lies in the queue."""

    job: int
    piece: int | None = None
    receives: int = 0
    sent_s: float = 0.0


class SimulatedQueue:
    """Hands messages to a function. What fails comes again soon; what is killed, when its lease is over."""

    def __init__(
        self,
        clock: SimulationClock,
        function: Function,
        work: Callable[[Message], Process],
        most_at_once: int,
        waits: Waits,
    ) -> None:
        """Take how the function works on a message, and the event source's `MaximumConcurrency`."""
        self._clock = clock
        self._function = function
        self._work = work
        self._most = most_at_once
        self._waits = waits
        self._first = min(most_at_once, int(published.value("first_pollers")))
        self._allowed = self._first
        self._at_work = 0
        self._waiting: deque[Message] = deque()
        self._growing = False
        self.dead: list[Message] = []
        self.killed: int = 0
        self.usd = 0.0

    def send(self, message: Message) -> None:
        """Put a message into the queue."""
        message.sent_s = self._clock.now_s
        self.usd += SQS_REQUEST
        self._waiting.append(message)
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self._at_work < self._allowed:
            message = self._waiting.popleft()
            waited_s = self._clock.now_s - message.sent_s
            if waited_s > 0:
                limit = "MaximumConcurrency" if self._allowed == self._most else "pollers"
                self._waits.met(limit, self._clock.now_s, waited_s)
            self._at_work += 1
            self.usd += SQS_REQUEST  # received; removed below
            self._clock.start(self._handle(message), _POLLED_AFTER_S)
        if not self._waiting and self._at_work < self._allowed:
            self._allowed = max(self._first, self._at_work)
        if self._waiting and self._allowed < self._most and not self._growing:
            self._growing = True
            self._clock.start(self._grow())

    def _grow(self) -> Process:
        while self._waiting and self._allowed < self._most:
            yield 1 / published.value("pollers")
            self._allowed += 1
            self._hand_out()
        self._growing = False

    def _handle(self, message: Message) -> Process:
        message.receives += 1
        began_s = self._clock.now_s
        again_after_s: float | None = None
        try:
            yield from self._function.run(self._work(message))
            self.usd += SQS_REQUEST
        except Throttled as throttled:
            again_after_s = messages.RETRY_AFTER_S * message.receives
            self._waits.met(throttled.limit, self._clock.now_s, again_after_s)
        except Killed:
            self.killed += 1
            renewed_s = (self._clock.now_s - began_s) // lease.RENEW_EVERY_S * lease.RENEW_EVERY_S
            again_after_s = began_s + renewed_s + lease.LEASE_S - self._clock.now_s
        self._at_work -= 1
        if again_after_s is not None:
            self._clock.start(self._come_again(message), again_after_s)
        self._hand_out()

    def _come_again(self, message: Message) -> Process:
        yield 0.0
        if message.receives >= messages.MAX_RECEIVES:
            self.dead.append(message)
        else:
            self.send(message)
