"""The API behind the gateway, in a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from chalicelib.gateway.backend import (
    Backend,
    BackendRequest,
    BackendResponse,
    BackendTimedOut,
    BackendUnavailable,
    UnknownRoute,
)
from infra.local.api import api_client, api_process
from infra.local.api.api_client import ApiClient, ApiFailed

REQUEST = BackendRequest("POST", "/v1/a%20b", "x=1", (("host", "here"), ("x", "ö")), bytes(range(256)), "::1")


@contextmanager
def _serving(listener: socket.socket, backend: Backend) -> Iterator[None]:
    thread = threading.Thread(target=api_process.serve, args=(listener, backend))
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _asking(backend: Backend, story: Callable[[ApiClient], Awaitable[None]]) -> None:
    with api_client.listen() as listener, _serving(listener, backend):

        async def run() -> None:
            client = ApiClient(listener.getsockname())
            try:
                await story(client)
            finally:
                client.close()

        asyncio.run(run())


def test_requests_and_answers_arrive_unharmed() -> None:
    seen: list[BackendRequest] = []

    def backend(request: BackendRequest) -> BackendResponse:
        seen.append(request)
        return BackendResponse(201, (("A", "1"), ("A", "ö")), request.body * 2000)

    async def story(client: ApiClient) -> None:
        for _ in range(2):  # the second time on the same connection
            assert await client(REQUEST) == backend(REQUEST)

    _asking(backend, story)
    assert seen == [REQUEST] * 4


def test_first_parts_come_before_the_answer() -> None:
    parts: list[tuple[str, bytes]] = []

    def backend(request: BackendRequest) -> BackendResponse:
        assert request.early is not None
        request.early("text/event-stream", b"first")
        request.early("text/event-stream", b"second")
        return BackendResponse(200, (), b"rest")

    async def story(client: ApiClient) -> None:
        asked = replace(REQUEST, early=lambda content_type, data: parts.append((content_type, data)))
        assert (await client(asked)).body == b"rest"

    _asking(backend, story)
    assert parts == [("text/event-stream", b"first"), ("text/event-stream", b"second")]


def test_unknown_routes_and_failures_are_told(caplog: pytest.LogCaptureFixture) -> None:
    def backend(request: BackendRequest) -> BackendResponse:
        raise UnknownRoute if request.method == "GET" else RuntimeError("what happened")

    async def story(client: ApiClient) -> None:
        with pytest.raises(UnknownRoute):
            await client(replace(REQUEST, method="GET"))
        with pytest.raises(ApiFailed):
            await client(REQUEST)

    _asking(backend, story)
    assert "what happened" in caplog.text


def test_calls_run_side_by_side() -> None:
    together = threading.Barrier(8)

    def backend(request: BackendRequest) -> BackendResponse:
        together.wait(60)
        return BackendResponse(200, (), request.body)

    async def story(client: ApiClient) -> None:
        bodies = [b"%d" % number for number in range(8)]
        answers = await asyncio.gather(*(client(replace(REQUEST, body=body)) for body in bodies))
        assert [answer.body for answer in answers] == bodies

    _asking(backend, story)


def test_a_process_that_ends_leaves_nobody_waiting() -> None:
    with api_client.listen() as listener:

        async def story() -> None:
            client = ApiClient(listener.getsockname())
            asking = asyncio.ensure_future(client(REQUEST))
            connection, _ = await asyncio.to_thread(listener.accept)
            connection.close()
            with pytest.raises(BackendTimedOut):
                await asking
            listener.close()
            with pytest.raises(BackendUnavailable):
                await client(REQUEST)

        asyncio.run(story())


def test_what_changes_nothing_is_asked_again() -> None:
    with api_client.listen() as listener:

        async def story() -> None:
            client = ApiClient(listener.getsockname())
            asking = asyncio.ensure_future(client(replace(REQUEST, method="GET")))
            connection, _ = await asyncio.to_thread(listener.accept)
            connection.close()
            with _serving(listener, lambda request: BackendResponse(200, (), request.body)):
                assert (await asking).body == REQUEST.body
                client.close()

        asyncio.run(story())


def test_other_users_are_not_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    own = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: own + 1)
    with (
        api_client.listen() as listener,
        _serving(listener, lambda _: pytest.fail("asked")),
        socket.socket(socket.AF_UNIX) as stranger,
    ):
        stranger.connect(listener.getsockname())
        assert stranger.recv(1) == b""
