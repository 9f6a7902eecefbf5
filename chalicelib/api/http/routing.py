"""Routes: plain views, mounted under every URL prefix, authenticated, answered in Watson's way."""

from __future__ import annotations

import dataclasses
import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.logging import Logger
from chalice.app import CaseInsensitiveMapping, Chalice, CORSConfig, Request, Response

from chalicelib.api.http import authentication, compression, errors
from chalicelib.api.http.calls import Answer, Call, Content
from chalicelib.api.http.request_log import LineFormatter
from chalicelib.recognition.request import openai_dialect

PREFIXES = ("/v1", "/instances/{instance_id}/v1", "/speech-to-text/api/v1")
_INSTANCE = "instance_id"

View = Callable[..., Any]
"""Takes the `Call`, and the path's parameters by name; returns an `Answer`, or the JSON value of a 200."""

CORS = CORSConfig(
    allow_origin="*",
    allow_headers=[
        "Contained-Content-Type",
        "X-Watson-Learning-Opt-Out",
        "X-Watson-Metadata",
        "X-Watson-Test",
        "X-Global-Transaction-Id",
    ],
    expose_headers=["X-Global-Transaction-Id", "X-DP-Watson-Tran-ID"],
    max_age=86400,
)
_METHODS = "GET, POST, PUT, DELETE, OPTIONS"
_JSON = "application/json"
_NO_KEY = "The API key is missing or wrong. Send it as 'Authorization: Bearer {key}'."
_RETRY_AFTER_S = {429: 30, 503: 2}
OWNER_HEADER = "X-Attune-Owner"
"""Tells the front door whose request it was, so that owners take turns there, too; no client sees it."""
ROUTE_HEADER = "X-Attune-Route"
"""Tells the front door the pattern of the route, by which it counts requests; no client sees it."""
_TRANSACTION_ID = re.compile(r"[0-9A-Za-z-]{8,64}")

log = Logger(service="attune-api", logger_formatter=LineFormatter())


@dataclass(frozen=True)
class Route:
    """One method of one path below the prefixes (or of the root)."""

    method: str
    path: str
    view: View
    prefixes: tuple[str, ...]
    needs_credentials: bool


class Routes:
    """The routes of one resource; `mount` gives them to a Chalice application."""

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def route(
        self,
        method: str,
        path: str,
        *,
        prefixes: Iterable[str] = PREFIXES,
        needs_credentials: bool = True,
    ) -> Callable[[View], View]:
        """Declare a view; `path` starts with a slash and follows each of the prefixes."""

        def declare(view: View) -> View:
            self._routes.append(Route(method, path, view, tuple(prefixes), needs_credentials))
            return view

        return declare

    def __iter__(self) -> Iterator[Route]:
        """Go through the routes in the order in which they were declared."""
        return iter(self._routes)

    def mount(self, app: Chalice) -> None:
        """Let the application serve the routes."""
        for route in self._routes:
            for prefix in route.prefixes:
                app.route(
                    f"{prefix}{route.path}",
                    name=route.view.__name__,
                    methods=[route.method],
                    content_types=[],
                    cors=CORS,
                )(_handler(app, route, prefix))


def shown_path(route: Route) -> str:
    """Return the path of a route as people know it: below the first of its prefixes."""
    return f"{PREFIXES[0] if PREFIXES[0] in route.prefixes else ''}{route.path}"


_published: dict[tuple[str, str], Route] = {}


def publish(routes: Routes) -> None:
    """Let routes be found by those who describe the service."""
    _published.update({(route.method, route.path): route for route in routes})


def published() -> list[Route]:
    """Return the routes that were published, in that order."""
    return list(_published.values())


def _handler(app: Chalice, route: Route, prefix: str) -> Callable[..., Response]:
    """Return what Chalice calls: it never raises, because Chalice would word the error its own way."""

    def handle(**parameters: str) -> Response:
        request = app.current_request
        assert request is not None
        transaction_id = transaction_id_of(request)
        started_s = time.perf_counter()
        answer = _answer(route, prefix, request, parameters, transaction_id)
        answer.headers[ROUTE_HEADER] = shown_path(route)
        log.info(
            "%s %s: %d",
            request.method,
            request.path,
            answer.status_code,
            extra={
                "transaction_id": transaction_id,
                "status": answer.status_code,
                "duration_ms": round(1000 * (time.perf_counter() - started_s), 2),
            },
        )
        return answer

    return handle


def _answer(
    route: Route, prefix: str, request: Request, parameters: dict[str, str], transaction_id: str
) -> Response:
    owner = ""
    try:
        call = Call.read(request, prefix, parameters, transaction_id)
        path = dict(call.path)
        instance_id = path.pop(_INSTANCE, None)
        if route.needs_credentials:
            owner = authentication.owner_of(call.headers, instance_id)
            call = dataclasses.replace(call, owner=owner)
        answer = route.view(call, **path)
    except Exception as error:  # noqa: BLE001  # every error gets an answer in the client's shape
        refusal = _refusal(error, transaction_id)
        return _for_owner(owner, in_openais_shape(refusal, request, error))
    if not isinstance(answer, Answer):
        answer = Answer(200, answer)
    headers = dict(answer.headers)
    if isinstance(answer.body, Content):
        headers["Content-Type"] = answer.body.content_type
        # Chalice takes text of JSON alone; the front door and API Gateway undo the base64 of bytes.
        body: str | bytes = answer.body.data
    else:
        body = "" if answer.status == 204 else json.dumps(answer.body, ensure_ascii=False, allow_nan=False)
    return _for_owner(owner, response(answer.status, body, transaction_id, headers))


def _for_owner(owner: str, answer: Response) -> Response:
    if owner:
        answer.headers[OWNER_HEADER] = owner
    return answer


def _refusal(error: Exception, transaction_id: str) -> Response:
    if isinstance(error, errors.Unauthorized):
        body = errors.platform_body(401, transaction_id)
        return response(401, body, transaction_id, {"WWW-Authenticate": 'Basic realm="Speech to Text"'})
    if isinstance(error, errors.Forbidden):
        return response(403, errors.platform_body(403, transaction_id), transaction_id)
    known = errors.known(error)
    if known is None or known[0] == 503:
        log.exception("request failed", extra={"transaction_id": transaction_id})
    status, message = known or (
        500,
        "The service failed to handle this request. "
        f"Please tell its operator the transaction id {transaction_id}.",
    )
    retry_after_s = getattr(error, "retry_after_s", _RETRY_AFTER_S.get(status))
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return response(status, errors.service_body(status, message), transaction_id, headers)


def in_openais_shape(answer: Response, request: Request, error: Exception | None = None) -> Response:
    """Return an error in Watson's shape; for those who speak OpenAI's API in that one's."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not openai_dialect.is_spoken(request.path, headers):
        return answer
    message = _NO_KEY if isinstance(error, errors.Unauthorized) else openai_dialect.message_of(answer.body)
    param, code = getattr(error, "parameter", None), getattr(error, "openai_code", None)
    answer.body = openai_dialect.error_body(answer.status_code, message or "", param=param, code=code)
    return answer


def response(
    status: int, body: str | bytes, transaction_id: str, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a Chalice response with the headers that every answer carries."""
    return Response(
        body=body,
        status_code=status,
        headers={
            "Content-Type": _JSON,
            "X-Global-Transaction-Id": transaction_id,
            "X-DP-Watson-Tran-ID": transaction_id,
            **(headers or {}),
        },
    )


def _preflight(request: Request) -> Response:
    """Say to a browser that a page from elsewhere may ask; it needs no credentials."""
    headers = CORS.get_access_control_headers()
    headers.pop("Access-Control-Expose-Headers", None)
    methods = {"Access-Control-Allow-Methods": _METHODS, "Allow": _METHODS}
    return response(200, "", transaction_id_of(request), {**headers, **methods})


def transaction_id_of(request: Request) -> str:
    """Return the id that the front door (or the client) gave the request, else a new one."""
    given = request.headers.get("x-global-transaction-id", "")
    return given if _TRANSACTION_ID.fullmatch(given) else uuid.uuid4().hex


def every_answer(request: Request | None, get_response: Callable[[Any], Response]) -> Response:
    """Middleware: bring what Chalice answers by itself (405, broken ones) into Watson's shape; compress.

    It answers preflights, too, where there is no front door that does.
    """
    if request is None:
        return response(400, errors.service_body(400, "This is not an HTTP request."), uuid.uuid4().hex)
    if "accept" not in request.headers:
        # With every type binary, which lets any upload through API Gateway, Chalice insists on one.
        request.headers = CaseInsensitiveMapping({**dict(request.headers.items()), "accept": "*/*"})
    if request.method == "OPTIONS":
        return _preflight(request)
    answer = get_response(request)
    body = answer.body
    if isinstance(body, dict) and body.keys() == {"Code", "Message"}:
        status = answer.status_code
        message = f"{errors.description(status)}: {body['Message']}" if status < 500 else "Internal error"
        kept = {name: str(value) for name, value in answer.headers.items() if name.lower() == "allow"}
        refusal = response(status, errors.service_body(status, message), transaction_id_of(request), kept)
        return in_openais_shape(refusal, request)
    return compression.compressed(request, answer)
