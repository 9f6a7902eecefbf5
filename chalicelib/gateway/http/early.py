"""The first parts of an answer on their way from a backend's thread to the client, in order."""

from __future__ import annotations

import asyncio
import contextlib

from chalicelib.gateway.http.exchange import Exchange


class Early:
    """Of one exchange; all but `send` is for the event loop's thread."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._loop = asyncio.get_running_loop()
        self._parts: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._sending = asyncio.ensure_future(self._send_all())

    def send(self, content_type: str, data: bytes) -> None:
        """Send the next bytes; from any thread, at once."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._parts.put_nowait, (content_type, data))

    async def finish(self) -> None:
        """Wait until everything went out; there is no more."""
        self._parts.put_nowait(None)
        await self._sending

    def close(self) -> None:
        """Send nothing more."""
        self._sending.cancel()

    async def _send_all(self) -> None:
        while (part := await self._parts.get()) is not None:
            await self._exchange.send_early(*part)
