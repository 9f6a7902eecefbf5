"""The deployed API function, as a backend of the gateway."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from chalicelib.gateway.backend import (
    BackendRequest,
    BackendResponse,
    BackendTimedOut,
    BackendUnavailable,
)
from infra.serving import proxy_event

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_TIMED_OUT = "Task timed out after"


class FunctionFailed(Exception):
    """The function raised an exception instead of answering."""


class LambdaBackend:
    """Invokes the API function directly: no API Gateway in between, so neither its 29 s nor its types matter.

    Args:
        client: with a read timeout above the function's own, and without retries after it.
        function_name: name or ARN of the API function.
        routes: the API's routes, as `chalice.Chalice.routes` has them.
    """

    def __init__(self, client: LambdaClient, function_name: str, routes: Iterable[str]) -> None:
        self._client = client
        self._function_name = function_name
        self._routes = proxy_event.RouteTable(routes)

    def __call__(self, request: BackendRequest) -> BackendResponse:
        """Answer one request.

        Raises:
            UnknownRoute: the API serves nothing at this path.
            BackendUnavailable: Lambda did not take the call.
            BackendTimedOut: the function did not answer in time.
            FunctionFailed: the function crashed.
        """
        event = proxy_event.event(request, self._routes)
        if request.body:  # whatever its type: JSON can carry bytes in no other way
            event |= {"body": base64.b64encode(request.body).decode(), "isBase64Encoded": True}
        try:
            answer = self._client.invoke(FunctionName=self._function_name, Payload=json.dumps(event).encode())
            payload = answer["Payload"].read()
        except ReadTimeoutError as error:
            raise BackendTimedOut from error
        except (ClientError, BotoCoreError) as error:
            raise BackendUnavailable(str(error)) from error
        document = json.loads(payload)
        if answer.get("FunctionError"):
            message = str(document.get("errorMessage", "")) if isinstance(document, dict) else ""
            if _TIMED_OUT in message:
                raise BackendTimedOut(message)
            raise FunctionFailed(message)
        return proxy_event.response(document)
