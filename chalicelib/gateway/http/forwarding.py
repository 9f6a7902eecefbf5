"""A request to the backend: its body inline, or stored in the bucket after the backend agreed to it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable

from chalicelib import settings
from chalicelib.gateway.backend import BackendRequest, BackendResponse, BackendTimedOut
from chalicelib.gateway.http import headers as http_headers
from chalicelib.gateway.http.bodies import Incoming, too_large
from chalicelib.gateway.http.calls import Calls, timed_out
from chalicelib.gateway.http.exchange import Exchange
from chalicelib.gateway.http.refusals import Refusal
from chalicelib.gateway.http.routes import Traits
from chalicelib.gateway.http.spooling import Spooler
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.recognition.request.backend import STREAMED_HEADER
from chalicelib.recognition.results import subtitles
from chalicelib.sharing.held import HeldByOwners, TooMuchHeld
from chalicelib.storage import spool

_AGREED = 204


class _NotAgreed(Exception):
    """The backend refused the request before its body was taken."""

    def __init__(self, response: BackendResponse) -> None:
        super().__init__(response.status)
        self.response = response


class Forwarder:
    """Takes requests to the backend."""

    def __init__(self, calls: Calls, spooler: Spooler, limits: GatewayLimits) -> None:
        self._calls = calls
        self._spooler = spooler
        self._limits = limits
        self._held = HeldByOwners(settings.owner_temporary_bytes)

    async def forward(self, exchange: Exchange, traits: Traits) -> BackendResponse:
        """Return the backend's answer to a request.

        Raises:
            Refusal: the body is too large, stalls, is badly encoded, or could not be stored.
            ClientGone: the client closed the connection; nothing of its body remains.
        """
        incoming = exchange.incoming
        incoming.check_encoding()
        if traits.recognises:
            incoming.expect_audio()
        if traits.signed_url:
            exchange.headers = http_headers.authorised(exchange.headers, exchange.query_string)
        limit_bytes = self._limit_bytes(traits)
        if (incoming.announced_bytes or 0) > limit_bytes:
            raise too_large(limit_bytes)
        try:
            with contextlib.ExitStack() as holding:
                body = await self._take(exchange, incoming, limit_bytes, holding)
                return await self._deliver(exchange, traits, body)
        except _NotAgreed as refusal:
            return refusal.response
        except TooMuchHeld as refusal:
            raise Refusal(429, str(refusal), (("Retry-After", str(refusal.retry_after_s)),)) from None
        except BackendTimedOut:
            return timed_out()

    def _limit_bytes(self, traits: Traits) -> int:
        if traits.takes_job:
            return self._limits.job_bytes
        return self._limits.body_bytes if traits.takes_large_body else self._limits.inline_bytes

    async def _take(
        self, exchange: Exchange, incoming: Incoming, limit_bytes: int, holding: contextlib.ExitStack
    ) -> bytes | bytearray | spool.Spooled:
        """Return the body if it is small, else where it was stored; it counts for its owner in `holding`."""
        may_be_large = limit_bytes > self._limits.inline_bytes
        size = incoming.size_bytes
        agreed = may_be_large and (
            incoming.waits_for_go_ahead if size is None else size > self._limits.inline_bytes
        )
        if agreed:
            await self._agree(exchange, incoming)
        chunks = incoming.chunks(limit_bytes)
        async with contextlib.aclosing(chunks):
            head = bytearray()
            async for chunk in chunks:
                head += chunk
                if len(head) > self._limits.inline_bytes:
                    break
            else:
                return head
            if not agreed:
                await self._agree(exchange, incoming)
            owner = self._calls.owners.of(exchange.headers)
            return await self._store(head, chunks, owner, holding.enter_context(self._held.holding(owner)))

    async def _agree(self, exchange: Exchange, incoming: Incoming) -> None:
        """Ask the backend whether it would take the request, so that strangers cannot store anything."""
        pending = spool.Spooled(spool.PENDING, incoming.size_bytes or 0)
        response = await self._calls.call(self._request(exchange, b"", pending))
        if response.status != _AGREED:
            raise _NotAgreed(response)

    async def _store(
        self, head: bytearray, rest: AsyncGenerator[bytes], owner: str, take: Callable[[int], None]
    ) -> spool.Spooled:
        async with self._spooler.upload(owner) as upload:
            take(len(head))
            await upload.add(head)
            head.clear()
            async for chunk in rest:
                take(len(chunk))
                await upload.add(chunk)
            return await upload.finish()

    async def _deliver(
        self, exchange: Exchange, traits: Traits, body: bytes | bytearray | spool.Spooled
    ) -> BackendResponse:
        if not isinstance(body, spool.Spooled):
            return await self._call(exchange, traits, self._request(exchange, bytes(body)))
        taken = False
        try:
            response = await self._call(exchange, traits, self._request(exchange, b"", body))
            taken = response.status < 400
        except BackendTimedOut:
            taken = True  # perhaps: what still works on it must find it
            raise
        finally:
            if not taken:
                await self._spooler.remove(body)
        return response

    async def _call(self, exchange: Exchange, traits: Traits, request: BackendRequest) -> BackendResponse:
        if traits.recognises:
            # Nothing may stand before subtitles; clients of OpenAI's API would not see errors behind spaces.
            spaced = traits.subtitled and subtitles.accepted(exchange.header("accept")) is None
            return await self._calls.call_long(request, exchange, spaced=spaced, streamed=traits.streams)
        return await self._calls.call(request)

    def _request(
        self, exchange: Exchange, body: bytes, spooled: spool.Spooled | None = None
    ) -> BackendRequest:
        headers = http_headers.for_backend(
            exchange.headers,
            exchange.scheme,
            len(body),
            exchange.transaction_id,
            by_proxy=exchange.by_proxy,
        )
        if exchange.incoming.streamed:
            headers = (*headers, (STREAMED_HEADER.lower(), f"{exchange.incoming.took_s:.3f}"))
        if spooled is not None:
            headers = (*headers, (spool.HEADER.lower(), spool.write_header(spooled)))
        return BackendRequest(
            method="GET" if exchange.method == "HEAD" else exchange.method,
            raw_path=exchange.path,
            query_string=exchange.query_string,
            headers=headers,
            body=body,
            source_ip=exchange.source_ip,
        )
