"""Request bodies as they arrive: counted, decoded, timed."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncGenerator, Iterator

from chalicelib.gateway.asgi import Receive
from chalicelib.gateway.backend import Headers
from chalicelib.gateway.http.headers import value_of
from chalicelib.gateway.http.pace import Pace
from chalicelib.gateway.http.refusals import Refusal
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.recognition.audio.inactivity import least_bytes_per_s

_DECODED_STEP_BYTES = 256 * 1024
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


class ClientGone(Exception):
    """The client closed the connection before it had its answer."""


class Incoming:
    """The body of one request, read once and in order."""

    def __init__(self, receive: Receive, headers: Headers, limits: GatewayLimits) -> None:
        self._receive = receive
        self._limits = limits
        length = value_of(headers, "content-length")
        chunked = value_of(headers, "transfer-encoding") is not None
        self.announced_bytes = int(length) if length is not None and length.isdecimal() else None
        """Length on the wire, if the client said it."""
        self.finished = not chunked and not self.announced_bytes
        """Nothing more will come."""
        self.waits_for_go_ahead = (value_of(headers, "expect") or "").lower() == "100-continue"
        """The client sends its body only once the first of it is asked for, which has not happened yet."""
        self._encodings = _encodings(headers)
        self._content_type = value_of(headers, "content-type")
        self._paced = False
        self._pace: Pace | None = None
        self._waited_s = 0.0
        self.streamed = chunked
        """It comes in chunks, as long as there is something to say."""
        self.took_s = 0.0
        """From the first bytes to the last."""
        self._started_s: float | None = None

    def check_encoding(self) -> None:
        """Refuse what cannot be decoded.

        Raises:
            Refusal: the `Content-Encoding` is not known (415).
        """
        if self._encodings and not self._gzipped:
            raise Refusal(
                415,
                f"Unsupported Content-Encoding '{', '.join(self._encodings)}': "
                "send the body as it is or with 'gzip'.",
            )

    @property
    def _gzipped(self) -> bool:
        return self._encodings in (["gzip"], ["x-gzip"])

    @property
    def size_bytes(self) -> int | None:
        """Length of the body as the backend gets it, if it is known beforehand."""
        return 0 if self.finished else None if self._gzipped else self.announced_bytes

    async def chunks(self, limit_bytes: int) -> AsyncGenerator[bytes]:
        """Yield the decoded body, piece by piece.

        Raises:
            Refusal: the body is longer than `limit_bytes` (413), stalls (408) or is not what its
                `Content-Encoding` says (400).
            ClientGone: the client closed the connection before the body was complete.
        """
        decoder = _Gunzip() if self._gzipped else None
        on_wire_bytes = decoded_bytes = 0
        async for chunk in self._wire():
            on_wire_bytes += len(chunk)
            if on_wire_bytes > limit_bytes:
                raise too_large(limit_bytes)
            for piece in decoder.feed(chunk) if decoder else (chunk,):
                decoded_bytes += len(piece)
                if decoded_bytes > limit_bytes:
                    raise too_large(limit_bytes)
                yield piece
        if decoder:
            decoder.finish()

    async def _wire(self) -> AsyncGenerator[bytes]:
        clock = asyncio.get_running_loop().time
        while not self.finished:
            self.waits_for_go_ahead = False
            patience_s = self._limits.body_idle_s
            if self._pace is not None:
                patience_s = min(patience_s, self._pace.deadline_s() - self._waited_s)
            asked_s = clock()
            try:
                async with asyncio.timeout(patience_s):
                    message = await self._receive()
            except TimeoutError:
                raise Refusal(408, "Session timed out.") from None
            came_s = clock()
            self._waited_s += came_s - asked_s
            if message["type"] == "http.disconnect":
                raise ClientGone
            self.finished = not message.get("more_body", False)
            body = message.get("body")
            if body:
                if self._started_s is None:
                    self._started_s = came_s
                self.took_s = came_s - self._started_s
                self._count(body)
                yield body

    def _count(self, body: bytes) -> None:
        if not self._paced:
            return
        if self._pace is None:
            head = b"" if self._gzipped else body
            least_bytes = least_bytes_per_s(self._content_type, head) * self._limits.stream_audio_s
            self._pace = Pace(self._limits.stream_window_s, least_bytes)
        self._pace.add(self._waited_s, len(body))

    def expect_audio(self) -> None:
        """Let the body be audio that is recognised: if it comes in chunks, it has to come fast enough."""
        self._paced = self.streamed

    async def discard(self) -> None:
        """Read and forget what the client still sends, within bounds, so that it gets to read its answer.

        Closing a connection with unread data makes the kernel reset it, and many clients then report a broken
        connection instead of the answer.
        """
        if self.waits_for_go_ahead:
            return
        discarded_bytes = 0
        try:
            async with asyncio.timeout(self._limits.linger_s):
                while not self.finished and discarded_bytes <= self._limits.body_bytes:
                    async with asyncio.timeout(self._limits.linger_idle_s):
                        message = await self._receive()
                    if message["type"] == "http.disconnect":
                        return
                    discarded_bytes += len(message.get("body", b""))
                    self.finished = not message.get("more_body", False)
        except TimeoutError:
            return


def too_large(limit_bytes: int) -> Refusal:
    """Return the refusal of a body above `limit_bytes`."""
    return Refusal(
        413, f"The request's body is too large: at most {limit_bytes} bytes are accepted by this resource."
    )


def _encodings(headers: Headers) -> list[str]:
    parts = (part.strip().lower() for part in (value_of(headers, "content-encoding") or "").split(","))
    return [part for part in parts if part not in ("", "identity")]


class _Gunzip:
    """Decodes gzip, one or several members, in steps of bounded size."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decodes to."""
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(_GZIP_WINDOW_BITS)
            self._begun = True
            try:
                piece = self._member.decompress(data, _DECODED_STEP_BYTES)
            except zlib.error:
                raise Refusal(400, "The request's body is not valid gzip data.") from None
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        """Check that nothing is missing at the end."""
        if self._begun and not self._member.eof:
            raise Refusal(400, "The request's body is truncated gzip data.")
