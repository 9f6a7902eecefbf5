"""The Chalice application in this process, as a backend of the gateway."""

from __future__ import annotations

import threading
from typing import Any

from chalice.app import APIGateway, Chalice, RestAPIEventHandler
from chalice.local import LambdaContext

from chalicelib.gateway.backend import BackendRequest, BackendResponse
from infra.serving import proxy_event

_FUNCTION_NAME = "attune-api"
_MEMORY_MIB = 1024
_MAX_RUNTIME_MS = 900_000


class _OnePerThread(Chalice):
    """A Chalice application whose current request belongs to the thread, not to the application.

    Chalice keeps the request it works on in an attribute, for Lambda gives a process one request at a
    time. Here several threads call the same application.
    """

    _own = threading.local()

    @property
    def current_request(self) -> Any:
        return getattr(self._own, "request", None)

    @current_request.setter
    def current_request(self, request: Any) -> None:
        self._own.request = request

    @property
    def lambda_context(self) -> Any:
        return getattr(self._own, "context", None)

    @lambda_context.setter
    def lambda_context(self, context: Any) -> None:
        self._own.context = context


_NO_API_GATEWAY = APIGateway()
_NO_API_GATEWAY.binary_types = None  # type: ignore[assignment]  # bodies need not become base64


class _Handler(RestAPIEventHandler):
    """Chalice's handler, which need not be asked for bytes, as API Gateway has it."""

    def _validate_binary_response(self, *_: Any) -> bool:
        return True


class ChaliceBackend:
    """Calls `app` with the event that API Gateway would send; from any number of threads.

    `app` itself is changed: from now on it keeps its current request per thread.
    """

    def __init__(self, app: Chalice) -> None:
        if not isinstance(app, _OnePerThread):
            app.__class__ = type(app.__class__.__name__, (_OnePerThread, app.__class__), {})
        self._app = app
        self._routes = proxy_event.RouteTable(app.routes)

    def __call__(self, request: BackendRequest) -> BackendResponse:
        """Answer one request.

        Raises:
            UnknownRoute: the application serves nothing at this path.
        """
        event = proxy_event.event(request, self._routes)
        context = LambdaContext(_FUNCTION_NAME, _MEMORY_MIB, _MAX_RUNTIME_MS)
        event["requestContext"]["early"] = request.early
        app = self._app
        handler = _Handler(
            app.routes, _NO_API_GATEWAY, app.log, app.debug, app._get_middleware_handlers("http")
        )
        app.lambda_context = context
        app.current_request = handler.create_request_object(event, context)
        return proxy_event.response(handler(event, context))
