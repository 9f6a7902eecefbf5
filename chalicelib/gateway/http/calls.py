"""Calls of the backend: bounded, with failures in Watson's words, and spaces while it works."""

from __future__ import annotations

import asyncio
import functools
import logging
from dataclasses import replace

from chalicelib.gateway.backend import (
    Backend,
    BackendRequest,
    BackendResponse,
    BackendTimedOut,
    BackendUnavailable,
    UnknownRoute,
    WaitingBackend,
)
from chalicelib.gateway.http import owners
from chalicelib.gateway.http.bodies import ClientGone
from chalicelib.gateway.http.early import Early
from chalicelib.gateway.http.exchange import Exchange
from chalicelib.gateway.http.owners import UNKNOWN, Owners
from chalicelib.gateway.http.refusals import Refusal, error_response, in_watson_shape
from chalicelib.gateway.lanes import Lane, LaneFull, OwnersLaneFull
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.gateway.places import Places

_log = logging.getLogger("attune.gateway")


class Calls:
    """The way to the backend."""

    def __init__(self, backend: Backend | WaitingBackend, limits: GatewayLimits) -> None:
        self._limits = limits
        self.owners = Owners()
        share = limits.owners_share
        self._short = _way(backend, "attune-backend", limits.backend_threads, limits.backend_waiting, share)
        self._long = _way(
            backend, "attune-recognition", limits.recognition_threads, limits.recognition_waiting, share
        )

    @property
    def outstanding(self) -> dict[str, int]:
        """How many calls run or wait, by lane."""
        return {"short": self._short.outstanding, "recognition": self._long.outstanding}

    async def call(self, request: BackendRequest) -> BackendResponse:
        """Return the backend's answer; an error is in Watson's shape, whatever went wrong.

        Raises:
            BackendTimedOut: the backend may still be at it.
        """
        return await self._run(self._short, request)

    async def call_long(
        self, request: BackendRequest, exchange: Exchange, *, spaced: bool, streamed: bool
    ) -> BackendResponse:
        """Do as `call` does for work that takes long.

        Where it is `spaced`, spaces go out meanwhile; where it is `streamed`, what the backend sends early.

        Raises:
            ClientGone: the client closed the connection; work that had not begun is not done.
        """
        early = Early(exchange) if streamed and exchange.can_stream else None
        if early is not None:
            request = replace(request, early=early.send)
        call = asyncio.ensure_future(self._run(self._long, request))
        gone = asyncio.ensure_future(exchange.disconnected())
        try:
            while True:
                await asyncio.wait(
                    (call, gone), timeout=self._limits.keep_alive_s, return_when=asyncio.FIRST_COMPLETED
                )
                if call.done():
                    if early is not None:
                        await early.finish()
                    return call.result()
                if gone.done():
                    raise ClientGone
                if spaced and exchange.can_stream:
                    await exchange.send_space()
        finally:
            gone.cancel()
            call.cancel()
            if early is not None:
                early.close()

    def close(self) -> None:
        """Let the threads end."""
        self._short.close()
        self._long.close()

    async def _run(self, way: _Way, request: BackendRequest) -> BackendResponse:
        retry_after = (("Retry-After", str(self._limits.retry_after_s)),)
        fingerprint = owners.fingerprint(request.headers)
        owner = self.owners.by(fingerprint)
        try:
            response = await way.call(request, owner)
        except LaneFull as full:
            if isinstance(full, OwnersLaneFull) and owner != UNKNOWN:
                return too_many("requests", self._limits).response()
            message = "The service is busy; please try again in a moment."
            return error_response(503, message, retry_after)
        except UnknownRoute:
            return error_response(404, f"Not Found: there is no resource {request.raw_path[:256]}")
        except BackendUnavailable:
            _log.warning("the backend is not available", exc_info=True)
            return error_response(503, "The service is not available; please try again.", retry_after)
        except BackendTimedOut:
            raise
        except Exception:  # noqa: BLE001  a backend may fail in any way; the client gets an answer all the same
            _log.exception("the backend failed at %s %s", request.method, request.raw_path)
            return error_response(500, "An internal server error occurred.")
        self.owners.learn(fingerprint, response)
        return in_watson_shape(response)


class _OnThreads:
    """The way to a backend that blocks."""

    def __init__(self, backend: Backend, lane: Lane) -> None:
        self._backend = backend
        self._lane = lane
        self.close = lane.close

    @property
    def outstanding(self) -> int:
        return self._lane.outstanding

    async def call(self, request: BackendRequest, owner: str) -> BackendResponse:
        return await self._lane.run(functools.partial(self._backend, request), owner)


class _InLoop:
    """The way to a backend that does not."""

    def __init__(self, backend: WaitingBackend, places: Places) -> None:
        self._backend = backend
        self._places = places

    @property
    def outstanding(self) -> int:
        return self._places.outstanding

    async def call(self, request: BackendRequest, owner: str) -> BackendResponse:
        return await self._places.run(functools.partial(self._backend, request), owner)

    def close(self) -> None:
        """Nothing waits."""


_Way = _OnThreads | _InLoop


def _way(backend: Backend | WaitingBackend, name: str, running: int, waiting: int, share: float) -> _Way:
    if isinstance(backend, WaitingBackend):
        return _InLoop(backend, Places(name, running, waiting, share=share))
    return _OnThreads(backend, Lane(name, running, waiting, share=share))


def too_many(things: str, limits: GatewayLimits) -> Refusal:
    """Return the refusal of one thing more of an owner who has his share under way."""
    return Refusal(
        429,
        f"Too many {things} of yours are under way; please try again when one of them has ended.",
        (("Retry-After", str(limits.retry_after_s)),),
    )


def timed_out() -> BackendResponse:
    """Return the answer for a backend that did not answer."""
    return error_response(504, "The service did not answer in time; please try again.")
