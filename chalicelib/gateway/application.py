"""The gateway as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Iterable

from chalicelib.gateway import metrics
from chalicelib.gateway.asgi import Application, Receive, Scope, Send
from chalicelib.gateway.backend import Backend, BackendResponse, WaitingBackend
from chalicelib.gateway.http import headers as http_headers
from chalicelib.gateway.http import routes
from chalicelib.gateway.http.bodies import ClientGone
from chalicelib.gateway.http.calls import Calls
from chalicelib.gateway.http.exchange import Exchange
from chalicelib.gateway.http.forwarding import Forwarder
from chalicelib.gateway.http.refusals import JSON, Refusal, error_response, in_clients_shape
from chalicelib.gateway.http.spooling import Spooler
from chalicelib.gateway.limits import GatewayLimits
from chalicelib.gateway.metrics import Family
from chalicelib.gateway.websocket import endpoint
from chalicelib.gateway.websocket.endpoint import Sockets
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.storage import objects

_log = logging.getLogger("attune.gateway")
_METRICS = "/metrics"
_OWN_PATHS = ("/health", _METRICS)


def build(
    backend: Backend | WaitingBackend,
    *,
    ready: Callable[[], bool],
    limits: GatewayLimits | None = None,
    pool: Callable[[], DecoderPool] | None = None,
    readings: Callable[[], Iterable[Family]] | None = None,
) -> Application:
    """Return the gateway.

    Args:
        backend: answers what the gateway does not answer itself; called from several threads, if it blocks.
        ready: whether `GET /health` says that the service is up; must not block.
        limits: bounds; the service's own if left out.
        pool: makes the processes that decode the audio of WebSockets, when the first one needs them.
        readings: reads what `GET /metrics` shows beside requests; may block, and is called once at a time.
    """
    return _Gateway(backend, ready, limits or GatewayLimits(), pool, readings)


class _Gateway:
    def __init__(
        self,
        backend: Backend | WaitingBackend,
        ready: Callable[[], bool],
        limits: GatewayLimits,
        pool: Callable[[], DecoderPool] | None,
        readings: Callable[[], Iterable[Family]] | None,
    ) -> None:
        self._ready = ready
        self._requests = metrics.Requests()
        self._readings = readings
        self._reading = asyncio.Lock()
        self._limits = limits
        self._calls = Calls(backend, limits)
        self._sockets = Sockets(self._calls, limits, pool)
        self._spooler = Spooler(limits)
        self._forwarder = Forwarder(self._calls, self._spooler, limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await self._sockets.serve(scope, receive, send)
        else:
            await self._http(Exchange(scope, receive, send, self._limits))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        objects.client()  # making it takes a tenth of a second: not on the first upload's account
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._calls.close()
        self._sockets.close()
        await self._spooler.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, exchange: Exchange) -> None:
        began_s = time.perf_counter()
        try:
            response = await self._respond(exchange)
        except Refusal as refusal:
            response = refusal.response()
        except ClientGone:
            return
        except asyncio.CancelledError:  # the server ends and has waited long enough
            response = error_response(503, "The service is shutting down; please try again in a moment.")
            with contextlib.suppress(asyncio.CancelledError):
                await exchange.answer(response)
            return
        except Exception:  # noqa: BLE001  the last line of defence: the server would answer in plain text
            _log.exception("the gateway failed at %s %s", exchange.method, exchange.path)
            response = error_response(500, "An internal server error occurred.")
        await exchange.answer(in_clients_shape(response, exchange.path, exchange.headers))
        route = metrics.route_of(response, exchange.path, _OWN_PATHS)
        self._requests.note(exchange.method, route, response.status, time.perf_counter() - began_s)

    async def _respond(self, exchange: Exchange) -> BackendResponse:
        if exchange.method == "OPTIONS":
            requested = exchange.header("access-control-request-headers")
            return BackendResponse(204, http_headers.preflight(requested), b"")
        if exchange.path == "/health" and exchange.method in ("GET", "HEAD"):
            return self._health()
        if exchange.path == _METRICS and exchange.method in ("GET", "HEAD"):
            return await self._metrics(exchange)
        if (exchange.header("upgrade") or "").lower() == "websocket":
            raise endpoint.NOT_A_WEBSOCKET
        traits = routes.traits(exchange.method, exchange.path)
        if not routes.can_accept(traits, exchange.header("accept") or ""):
            also = ", text/vtt or application/x-subrip" if traits.subtitled else ""
            raise Refusal(
                406, f"Not Acceptable: answers are application/json{also}; please accept that or '*/*'."
            )
        return await self._forwarder.forward(exchange, traits)

    async def _metrics(self, exchange: Exchange) -> BackendResponse:
        if not metrics.may_read(exchange):
            raise Refusal(
                403,
                "Figures are for the operator: from the machine itself, or with the key that "
                "ATTUNE_METRICS_KEY has, as 'Authorization: Bearer {key}'.",
            )
        async with self._reading:
            read = [] if self._readings is None else await asyncio.to_thread(self._readings)
        sockets = metrics.gauge("attune_websockets", "WebSockets that are open.", float(self._sockets.open))
        calls = metrics.gauge(
            "attune_backend_calls",
            "Calls of the API that run or wait, by lane.",
            {(("lane", lane),): float(count) for lane, count in self._calls.outstanding.items()},
        )
        text = metrics.text([*self._requests.families(), sockets, calls, *read])
        return BackendResponse(200, (("Content-Type", metrics.CONTENT_TYPE),), text.encode())

    def _health(self) -> BackendResponse:
        if not self._ready():
            return error_response(503, "The service is starting.", (("Retry-After", "1"),))
        return BackendResponse(200, (("Content-Type", JSON),), json.dumps({"status": "ok"}).encode())
