"""The audio of one WebSocket request on its way through the threads that decode it, a step at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable

from chalicelib.gateway.lanes import Lane
from chalicelib.recognition.live.live_request import LiveRequest

STEP_BYTES = 64 * 1024
STEP_EVERY_S = 0.04
"""Audio in small frames is taken together so often: a step costs more than a frame."""


class WebSocketWork:
    """One request. Used by one task; steps run on threads, one at a time."""

    def __init__(self, request: LiveRequest, lane: Lane, wake: Callable[[], None], owner: str) -> None:
        self.request = request
        self.held_bytes = 0
        """Of audio that waits for its step."""
        self.received_bytes = 0
        self._lane = lane
        self._wake = wake
        self._owner = owner
        self._audio: deque[bytes] = deque()
        self.ended = False
        """All audio has come."""
        self._finishing = False
        self._step: asyncio.Future[None] | None = None
        self._stepped_s = 0.0

    def add(self, data: bytes) -> None:
        """Take audio."""
        self._audio.append(data)
        self.held_bytes += len(data)
        self.received_bytes += len(data)

    def end(self) -> None:
        """Take note that this was all the audio."""
        self.ended = True

    @property
    def due_s(self) -> float | None:
        """When `advance` has something to do, if nothing else happens before."""
        waits = self._audio and self._step is None and not self.request.behind
        return self._stepped_s + STEP_EVERY_S if waits else None

    @property
    def complete(self) -> bool:
        """All audio was worked on, and everything about it was taken."""
        return self._finishing and self._step is None and self.request.complete

    def advance(self, now_s: float) -> None:
        """Begin the next step if it is time.

        Raises:
            Exception: whatever the last step raised.
        """
        if self._step is not None:
            if not self._step.done():
                return
            step, self._step = self._step, None
            step.result()
        if self._finishing or self.request.behind:
            return
        if self._audio:
            if self.ended or self.held_bytes >= STEP_BYTES or now_s - self._stepped_s >= STEP_EVERY_S:
                self._stepped_s = now_s
                data = self._piece()
                self._begin(lambda: self.request.feed(data))
        elif self.ended:
            self._finishing = True
            self._begin(self.request.finish)

    async def close(self) -> None:
        """Let go of everything, once the step that runs is over."""
        if self._step is not None:
            with contextlib.suppress(Exception):
                await asyncio.shield(self._step)
        self.request.close()

    def _begin(self, step: Callable[[], None]) -> None:
        self._step = asyncio.ensure_future(self._lane.run(step, self._owner))
        self._step.add_done_callback(lambda _: self._wake())

    def _piece(self) -> bytes:
        parts, size = [], 0
        while self._audio and size < STEP_BYTES:
            part = self._audio.popleft()
            if size + len(part) > STEP_BYTES:
                cut = STEP_BYTES - size
                self._audio.appendleft(part[cut:])
                part = part[:cut]
            parts.append(part)
            size += len(part)
        self.held_bytes -= size
        return b"".join(parts)
