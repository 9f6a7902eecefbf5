"""An accepted WebSocket: does what the protocol asks for, and sends what recognition answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.gateway.asgi import Receive, Send
from chalicelib.gateway.lanes import Lane
from chalicelib.gateway.websocket.handshake import NotAdmitted, OpenedConnection
from chalicelib.gateway.websocket.websocket_metrics import Metrics
from chalicelib.gateway.websocket.websocket_protocol import (
    AHEAD_BYTES,
    Action,
    AudioEnded,
    AudioReceived,
    Begin,
    Close,
    Protocol,
    Say,
    State,
    failure,
)
from chalicelib.gateway.websocket.websocket_work import WebSocketWork
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.decoding.fetched_model import FetchedModel
from chalicelib.recognition.live import live_errors, live_request
from chalicelib.recognition.live.live_request import LiveRequest
from chalicelib.recognition.request import options, unheeded
from chalicelib.recognition.request.backend import ENDPOINT
from chalicelib.recognition.request.models import check_grammar


@dataclass(frozen=True)
class Ears:
    """What all connections share."""

    pool: Callable[[], DecoderPool]
    """Decodes; made when it is first asked for."""
    lane: Lane
    """Its threads take audio apart."""


class Session:
    """One connection. A single task acts; another one reads, and is held up while there is enough to do."""

    def __init__(
        self, receive: Receive, send: Send, model: FetchedModel, opened: OpenedConnection, ears: Ears
    ) -> None:
        self._receive = receive
        self._send = send
        self._model = model
        self._parsed = opened.query
        self._owner = opened.owner
        self._admission = opened.admission
        self._base_url = opened.base_url
        self._heard_s = 0.0
        """Of requests that are over; the API was not told of it yet."""
        self._lasting_warnings = (*opened.query.warnings, *model.warnings)
        """Of what holds for the connection; every request has them."""
        self._description: Mapping[str, Any] = {}
        """What was last said of the audio."""
        self._ears = ears
        self._loop = asyncio.get_running_loop()
        self._protocol = Protocol(self._loop.time())
        self._inbox: deque[str | bytes] = deque()
        self._gone = False
        """The client has closed the connection, or the server ends."""
        self._work: WebSocketWork | None = None
        self._metrics: Metrics | None = None
        self._event = asyncio.Event()
        self._room = asyncio.Event()

    async def run(self) -> None:
        """Serve the connection until it is closed by either side."""
        reader = asyncio.ensure_future(self._read())
        try:
            while self._protocol.state is not State.CLOSED and not self._gone:
                await self._turn()
        finally:
            reader.cancel()
            if self._work is not None:
                await self._work.close()
                self._heard_s += self._work.request.heard_s
            if self._heard_s:
                with contextlib.suppress(NotAdmitted):
                    await self._admission.check(self._heard_s)

    async def _read(self) -> None:
        while not self._gone:
            while self._has_enough:
                self._room.clear()
                await self._room.wait()
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                self._gone = True
            else:
                data = message.get("bytes")
                self._inbox.append(message["text"] if data is None else data)
            self._event.set()

    @property
    def _has_enough(self) -> bool:
        """No message is read: what the client has sent stays in the network, and nothing is lost."""
        return self._protocol.full or self._is_full

    @property
    def _is_full(self) -> bool:
        return self._work is not None and self._work.held_bytes >= AHEAD_BYTES

    async def _turn(self) -> None:
        """Wait until there is something to do, and do it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(self._next_s):
                await self._event.wait()
        self._event.clear()
        was_held_back = self._has_enough
        while self._inbox and not self._is_full:
            await self._act(self._protocol.receive(self._inbox.popleft(), self._loop.time()))
        await self._advance()
        if was_held_back or self._has_enough:
            self._protocol.held_back(self._loop.time())
        await self._act(self._protocol.tick(self._loop.time()))
        if not self._has_enough:
            self._room.set()

    @property
    def _next_s(self) -> float | None:
        moments = [self._protocol.deadline_s]
        if self._work is not None:
            moments.append(self._work.due_s)
            moments.append(
                self._metrics.due_s if self._metrics is not None and not self._work.ended else None
            )
        return min((moment for moment in moments if moment is not None), default=None)

    async def _act(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Say(text):
                    await self._send({"type": "websocket.send", "text": text})
                case Close(code, reason):
                    await self._send({"type": "websocket.close", "code": code, "reason": reason})
                case Begin(message):
                    try:
                        await self._admission.check(self._heard_s)
                        self._heard_s = 0.0
                        self._begin(message)
                    except NotAdmitted as refusal:
                        self._protocol.close()
                        await self._act(failure(str(refusal)))
                        return
                    except Exception as error:  # noqa: BLE001  whatever is wrong, the client hears of it
                        self._protocol.close()
                        # What follows is dropped, be it an error of a later message that was taken at once.
                        await self._act(failure(self._wording(error)))
                        return
                case AudioReceived(data):
                    assert self._work is not None
                    self._work.add(data)
                    if self._metrics is not None:
                        self._metrics.audio_came(self._loop.time())
                case AudioEnded():
                    assert self._work is not None
                    self._work.end()

    def _begin(self, message: Mapping[str, Any]) -> None:
        self._parsed = options.from_message(message, self._parsed)
        check_grammar(self._model.grammars, self._parsed.options)
        self._description = live_request.description(message) or self._description
        request = LiveRequest(
            live_request.content_type(self._description),
            self._model,
            self._parsed.options,
            warnings=(
                *self._parsed.warnings,
                *unheeded.warnings(self._parsed.options, self._model.base_version),
                *self._lasting_warnings,
            ),
            pool=self._ears.pool().of(self._owner),
            wake=self._wake,
        )
        self._work = WebSocketWork(request, self._ears.lane, self._event.set, self._owner)
        wanted = self._parsed.options
        self._metrics = Metrics(wanted.processing_metrics_interval) if wanted.processing_metrics else None

    def _wording(self, error: Exception) -> str:
        return live_errors.wording(error).replace(ENDPOINT, self._base_url)

    async def _say(self, message: Mapping[str, Any]) -> None:
        await self._send({"type": "websocket.send", "text": json.dumps(message, ensure_ascii=False)})

    def _wake(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._event.set)

    async def _advance(self) -> None:
        """Send what the request has made, and give it the next piece of work."""
        work = self._work
        if work is None:
            return
        try:
            work.advance(self._loop.time())
            messages = work.request.take()
        except Exception as error:  # noqa: BLE001  whatever failed, the client hears of it
            await self._act(self._protocol.fail(self._wording(error)))
            return
        for message in messages:
            if self._metrics is not None and not work.ended:
                message.update(self._metrics.report(work, self._loop.time(), periodic=False))
            await self._say(message)
            self._protocol.interim_sent(self._loop.time())
        if self._metrics is not None and not work.ended and self._metrics.is_due(self._loop.time()):
            await self._say(self._metrics.report(work, self._loop.time(), periodic=True))
        if work.complete:
            self._work = None
            await work.close()
            self._heard_s += work.request.heard_s
            await self._act(self._protocol.complete(self._loop.time()))
            self._event.set()
