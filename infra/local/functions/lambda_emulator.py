"""Lambda's Invoke API for the plain functions of the application, called in this process."""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import logging
import os
import re
import signal
import socket
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from chalicelib.sharing.threads import OwnerThreads
from infra.local import events
from infra.local.admission import Admitted
from infra.local.functions import event_stream
from infra.local.processes import child
from infra.local.wire import Disconnected, Receive, Scope, Send, answer, begin, server, whole_body

_LOG = logging.getLogger(__name__)
_PATH = re.compile(
    r"/2015-03-31/functions/([^/]+)/invocations|/2021-11-15/functions/([^/]+)/response-streaming-invocations"
)
_UNHANDLED = "Unhandled"
_CONCURRENCY = 16
"""Calls at a time; the recognition function shares the cores out among them."""
_OF_OWNER = 8
"""Of them for one owner; owners take turns."""


class LambdaEmulator:
    """An ASGI application that answers Lambda's `Invoke` and `InvokeWithResponseStream`.

    A stream has what the function tells on the way, each in a line `{"told": …}`, and last what it answers.
    On AWS a function in Python tells nothing on the way.
    """

    def __init__(self, functions: Mapping[str, events.Handler]) -> None:
        self._functions = functions
        self._threads = OwnerThreads("invoke", _CONCURRENCY, running_of_owner=_OF_OWNER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an error of the function is a success of the call, as in Lambda."""
        try:
            body = await whole_body(receive)
        except Disconnected:
            return
        found = _PATH.fullmatch(scope["path"])
        name = (found[1] or found[2]) if found else ""
        if scope["method"] != "POST" or name not in self._functions:
            fields = {"content-type": "application/json", "x-amzn-errortype": "ResourceNotFoundException"}
            text = json.dumps({"Type": "User", "Message": f"Function not found: {name}"})
            await answer(send, HTTPStatus.NOT_FOUND, fields, text.encode())
            return
        if found is not None and found[2]:
            await self._stream(send, name, body)
            return
        result, failed = await self._call(name, body)
        fields = {"content-type": "application/json", "x-amz-executed-version": "$LATEST"}
        if failed:
            fields["x-amz-function-error"] = _UNHANDLED
        await answer(send, HTTPStatus.OK, fields, json.dumps(result).encode())

    async def _call(
        self, name: str, body: bytes, tell: Callable[[Any], None] | None = None
    ) -> tuple[Any, bool]:
        """Return what a function answers, and whether that is what it raised."""
        try:
            event, context = json.loads(body or b"{}"), events.Context(name, tell)
            call = functools.partial(self._functions[name], event, context)
            return await asyncio.wrap_future(self._threads.submit(str(event.get("owner", "")), call)), False
        except Exception as error:  # noqa: BLE001  like Lambda: the caller is told, whatever it was
            _LOG.exception("%s failed", name)
            return {
                "errorMessage": str(error),
                "errorType": type(error).__name__,
                "stackTrace": traceback.format_tb(error.__traceback__),
            }, True

    async def _stream(self, send: Send, name: str, body: bytes) -> None:
        loop, told = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()

        def tell(what: Any) -> None:
            line = json.dumps({"told": what}).encode() + b"\n"
            loop.call_soon_threadsafe(told.put_nowait, line)

        async def part(event: str, payload: bytes, content_type: str = "application/octet-stream") -> None:
            message = event_stream.message(event, payload, content_type)
            await send({"type": "http.response.body", "body": message, "more_body": True})

        fields = {"content-type": event_stream.CONTENT_TYPE, "x-amz-executed-version": "$LATEST"}
        await begin(send, HTTPStatus.OK, fields)
        call = asyncio.ensure_future(self._call(name, body, tell))
        call.add_done_callback(lambda _: told.put_nowait(None))
        while (line := await told.get()) is not None:
            await part("PayloadChunk", line)
        result, failed = call.result()
        encoded = json.dumps(result)
        if not failed:
            await part("PayloadChunk", encoded.encode())
        error = {"ErrorCode": _UNHANDLED, "ErrorDetails": encoded} if failed else {}
        await part("InvokeComplete", json.dumps(error).encode(), "application/json")
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _application_functions() -> dict[str, events.Handler]:
    import app

    prefix = f"{app.app.app_name}-"
    return {prefix + entry.name: getattr(app, entry.name) for entry in app.app.pure_lambda_functions}


async def _serve(listener: socket.socket) -> None:
    serving = server(
        Admitted(LambdaEmulator(_application_functions()), os.environ["AWS_ACCESS_KEY_ID"]),
        timeout_graceful_shutdown=2,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, serving, "should_exit", True)
    await serving.serve(sockets=[listener])


def main() -> None:
    """Run as a child process of the service: the descriptor of a listening socket."""
    parser = argparse.ArgumentParser()
    parser.add_argument("descriptor", type=int)
    descriptor = parser.parse_args().descriptor
    child.begin("recognition")
    asyncio.run(_serve(socket.socket(fileno=descriptor)))


if __name__ == "__main__":
    main()
