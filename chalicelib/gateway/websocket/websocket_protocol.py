"""The messages of a recognition WebSocket as a state machine: messages and time in, actions out, no I/O."""

from __future__ import annotations

import enum
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LISTENING = '{"state": "listening"}'
"""With this very space: there are clients that look for the text instead of reading JSON."""
ERROR_REASON = "see the previous message for the error details."
INTERNAL_ERROR = 1011
MIN_REQUEST_BYTES = 100
MAX_REQUEST_BYTES = 100 * 1024 * 1024
SESSION_TIMEOUT_S = 30.0
AHEAD_BYTES = 1024 * 1024
"""What a client may send of its next requests before the one at work is done; more is left in the network."""


class State(enum.Enum):
    """Where a connection is."""

    IDLE = "no request, or the last one is answered"
    LISTENING = "a request takes audio"
    STOPPED = "a request has all its audio, and its results are yet to come"
    CLOSED = "an error was sent, or the client has gone"


@dataclass(frozen=True)
class Say:
    """Send this text."""

    text: str


@dataclass(frozen=True)
class Close:
    """Close the connection."""

    code: int
    reason: str


@dataclass(frozen=True)
class Begin:
    """A request begins."""

    message: Mapping[str, Any]
    """The whole `start`; that of the request before, if audio came without one."""


@dataclass(frozen=True)
class AudioReceived:
    """The request goes on."""

    data: bytes


@dataclass(frozen=True)
class AudioEnded:
    """The request has all its audio."""


Action = Say | Close | Begin | AudioReceived | AudioEnded


def failure(text: str) -> list[Action]:
    """Return how a client is told what is wrong."""
    return [Say(json.dumps({"error": text})), Close(INTERNAL_ERROR, ERROR_REASON)]


class Protocol:
    """One connection.

    | state | start | audio | stop, empty audio | no-op | results complete | failure |
    |---|---|---|---|---|---|---|
    | IDLE | LISTENING | error at first, later LISTENING | error at first, later nothing | – | – | CLOSED |
    | LISTENING | error | LISTENING | STOPPED | – | – | CLOSED |
    | STOPPED | waits | waits | waits | – | IDLE, then what waits | CLOSED |
    | CLOSED | – | – | – | – | – | – |

    Audio in IDLE begins a request like the one before: the client has been told `listening` already, and is
    not told so again. Every error says what is wrong and closes. So does a client from which nothing comes
    for half a minute, unless the service owes it results, or does not read what it sends.
    """

    def __init__(self, now_s: float) -> None:
        self.state = State.IDLE
        self._received_bytes = 0
        self._start_message: Mapping[str, Any] | None = None
        """The last one."""
        self._ahead: deque[str | bytes] = deque()
        self._ahead_bytes = 0
        self._active_s = now_s

    @property
    def deadline_s(self) -> float | None:
        """When the session times out if nothing happens; None: not in this state."""
        return self._active_s + SESSION_TIMEOUT_S if self._times else None

    @property
    def full(self) -> bool:
        """Whether the client is so far ahead that nothing more should be read."""
        return self._ahead_bytes >= AHEAD_BYTES

    @property
    def _times(self) -> bool:
        return self.state in (State.IDLE, State.LISTENING)

    def receive(self, message: str | bytes, now_s: float) -> list[Action]:
        """Take a message of the client."""
        match self.state:
            case State.CLOSED:
                return []
            case State.STOPPED:
                if not _is_no_op(message):
                    self._ahead.append(message)
                    self._ahead_bytes += len(message) or 1
                return []
        return self._binary(message, now_s) if isinstance(message, bytes) else self._text(message, now_s)

    def interim_sent(self, now_s: float) -> None:
        """Something was said about the audio: the session lives on."""
        self._active_s = now_s

    def held_back(self, now_s: float) -> None:
        """Nothing more is read for now: that nothing comes is not the client's doing."""
        self._active_s = now_s

    def complete(self, now_s: float) -> list[Action]:
        """All results of the request were sent."""
        if self.state is not State.STOPPED:
            return []
        self.state = State.IDLE
        self._active_s = now_s
        actions: list[Action] = [Say(LISTENING)]
        waiting, self._ahead, self._ahead_bytes = self._ahead, deque(), 0
        for message in waiting:
            actions += self.receive(message, now_s)
        return actions

    def fail(self, text: str) -> list[Action]:
        """Tell the client what is wrong, and close."""
        if self.state is State.CLOSED:
            return []
        self.close()
        return failure(text)

    def tick(self, now_s: float) -> list[Action]:
        """Let time pass."""
        due = self.deadline_s
        return self.fail("Session timed out.") if due is not None and now_s >= due else []

    def close(self) -> None:
        """The connection is over."""
        self.state = State.CLOSED
        self._ahead.clear()
        self._ahead_bytes = 0

    def _text(self, message: str, now_s: float) -> list[Action]:
        try:
            document = json.loads(message)
        except (ValueError, RecursionError):
            return self.fail("A text message must be a JSON object; send audio as binary messages.")
        action = document.get("action") if isinstance(document, dict) else None
        match action:
            case "start":
                return self._start(document, now_s)
            case "stop":
                return self._stop(now_s)
            case "no-op":
                return []
            case None:
                return self.fail(
                    "A text message must be a JSON object with an 'action': start, stop or no-op."
                )
            case _:
                return self.fail(f"Unknown action '{str(action)[:60]}': it must be start, stop or no-op.")

    def _start(self, message: Mapping[str, Any], now_s: float) -> list[Action]:
        if self.state is State.LISTENING:
            return self.fail(
                'A recognition request is under way: send {"action": "stop"} before the next start.'
            )
        self._active_s = now_s
        return [self._begin(message), Say(LISTENING)]

    def _begin(self, message: Mapping[str, Any]) -> Begin:
        self.state = State.LISTENING
        self._received_bytes = 0
        self._start_message = message
        return Begin(message)

    def _binary(self, data: bytes, now_s: float) -> list[Action]:
        if not data:
            return self._stop(now_s)
        begun: list[Action] = []
        if self.state is State.IDLE:
            if self._start_message is None:
                return self.fail('Audio came before its request: send {"action": "start"} first.')
            begun.append(self._begin(self._start_message))
        self._active_s = now_s
        self._received_bytes += len(data)
        if self._received_bytes > MAX_REQUEST_BYTES:
            return self.fail(
                f"Stream was {self._received_bytes} bytes but may have at most {MAX_REQUEST_BYTES} bytes."
            )
        return [*begun, AudioReceived(data)]

    def _stop(self, now_s: float) -> list[Action]:
        if self.state is State.IDLE:
            if self._start_message is not None:
                return []  # many clients send both an empty message and a stop
            return self.fail('Nothing was started: send {"action": "start"} first.')
        self._active_s = now_s
        if self._received_bytes < MIN_REQUEST_BYTES:
            return self.fail(
                f"Stream was {self._received_bytes} bytes but needs to be at least {MIN_REQUEST_BYTES} bytes."
            )
        self.state = State.STOPPED
        return [AudioEnded()]


def _is_no_op(message: str | bytes) -> bool:
    if isinstance(message, bytes):
        return False
    try:
        document = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("action") == "no-op"
