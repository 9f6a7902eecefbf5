"""WebSockets: recognition of audio while it is spoken, at the path where files are posted."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable

from chalicelib.gateway.asgi import Receive, Scope, Send
from chalicelib.gateway.http.calls import Calls, too_many
from chalicelib.gateway.http.owners import UNKNOWN
from chalicelib.gateway.http.refusals import Refusal
from chalicelib.gateway.lanes import Lane, LaneFull
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.gateway.websocket import handshake
from chalicelib.gateway.websocket.handshake import HandshakeRefused, OpenedConnection
from chalicelib.gateway.websocket.websocket_session import Ears, Session
from chalicelib.recognition.decoding import fetched_model
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.live import live_errors

_log = logging.getLogger("attune.gateway")
_BUSY = Refusal(503, "Too many connections are open; please try again in a moment.")
NOT_A_WEBSOCKET = Refusal(426, "The upgrade to WebSocket is not complete: use a WebSocket client.")


class Sockets:
    """All connections, and what they share."""

    def __init__(
        self, calls: Calls, limits: GatewayLimits, pool: Callable[[], DecoderPool] | None = None
    ) -> None:
        """Take the way to the API; `pool` makes the decoding processes, if not as the limits say."""
        self._calls = calls
        self._limits = limits
        self._make_pool = pool or (lambda: DecoderPool(limits.decoders))
        self._pool: DecoderPool | None = None
        self._making_pool = threading.Lock()
        self._open = 0
        self._open_of: Counter[str] = Counter()
        """Of each owner."""
        lane = Lane("attune-audio", max(2, os.cpu_count() or 2), limits.sockets)
        self._ears = Ears(self._decoders, lane)
        self._files = Lane("attune-models", 2, limits.sockets)

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection from its first message to its last."""
        await receive()
        if self._open >= self._limits.sockets:
            await handshake.refuse(scope, send, HandshakeRefused(_BUSY.response(), uuid.uuid4().hex))
            return
        self._open += 1
        try:
            await self._serve(scope, receive, send)
        except HandshakeRefused as refused:
            await handshake.refuse(scope, send, refused)
        finally:
            self._open -= 1

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        opened = await handshake.open_session(scope, self._calls)
        share = max(1, int(self._limits.sockets * self._limits.owners_share))
        if opened.owner != UNKNOWN and self._open_of[opened.owner] >= share:
            raise HandshakeRefused(too_many("connections", self._limits).response(), opened.transaction_id)
        self._open_of[opened.owner] += 1
        try:
            await self._recognize(opened, receive, send)
        finally:
            self._open_of[opened.owner] -= 1
            if not self._open_of[opened.owner]:
                del self._open_of[opened.owner]

    async def _recognize(self, opened: OpenedConnection, receive: Receive, send: Send) -> None:
        try:
            model = await self._files.run(lambda: fetched_model.fetched(opened.model), opened.owner)
        except LaneFull:
            raise HandshakeRefused(_BUSY.response(), opened.transaction_id) from None
        except Exception as error:
            refusal = Refusal(500, live_errors.wording(error))
            raise HandshakeRefused(refusal.response(), opened.transaction_id) from error
        self._decoders().of(opened.owner).warm(model.base_version, model.custom)
        await send(handshake.accept(opened.transaction_id))
        await Session(receive, send, model, opened, self._ears).run()

    def _decoders(self) -> DecoderPool:
        with self._making_pool:
            if self._pool is None:
                self._pool = self._make_pool()
            return self._pool

    def close(self) -> None:
        """End the decoding processes and the threads."""
        with self._making_pool:
            if self._pool is not None:
                self._pool.close()
        self._ears.lane.close()
        self._files.close()
