"""The whole service on one machine: store, emulators, event functions, gateway."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import tempfile
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from chalicelib.engines import catalogue
from infra import resources
from infra.local import environment
from infra.local.api import api_client
from infra.local.functions import event_workers
from infra.local.home import Home
from infra.local.processes import child, log_rotation
from infra.local.processes.supervision import Role, Supervisor, ended
from infra.local.wire import LOOPBACK, Application, Server, listen

T = TypeVar("T")
_LOG = logging.getLogger(__name__)

_DRAIN_S = 3
_STOP_PARTS_S = 4.0
_STOP_STORE_S = 2.0
_LOOK_AGAIN_S = 0.05
_FIRST_CALL_S = 180.0
"""It has a limit of its own, of 150 s; a process that dies at it says nothing."""


class CannotListen(Exception):
    """A port is taken, or the address is not this machine's; the message is for the user."""


class _StoppedEarly(Exception):
    """The service was asked to stop before it was ready."""


@dataclass(frozen=True)
class Front:
    """Where the service answers, and what it shows to those who ask by TLS."""

    http: int
    https: int
    certificate: Path
    certificate_key: Path
    address: str = LOOPBACK
    """IP address of the interface; `0.0.0.0` and `::` are all of them."""


def _listen(port: int, variable: str, address: str) -> socket.socket:
    try:
        return listen(port, address)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise CannotListen(
                f"ATTUNE_BIND={address} is no address of this machine. Name one that it has: "
                "127.0.0.1 serves programs on this machine only, 0.0.0.0 everybody who can reach it."
            ) from None
        raise CannotListen(
            f"Port {port} cannot be used ({error.strerror}). "
            f"Stop what listens there, or choose another port with {variable}={port + 1000}."
        ) from None


class LocalService:
    """One running service. `run` returns when it was asked to stop and everything has ended."""

    def __init__(self, home: Home, front: Front, api_key: str) -> None:
        """Take the ports; nothing runs yet.

        Raises:
            CannotListen: a port is not free, or the address is not this machine's.
        """
        self._home = home
        self._api_key = api_key
        self._resources = resources.load(parameters={"TrainingImage": "local", "EngineLayer": "local"})
        self._front = front
        self._listeners = {
            "http": _listen(front.http, "PORT", front.address),
            "https": _listen(front.https, "TLS_PORT", front.address),
        }
        self._internal = {name: listen() for name in ("store", "training", "recognition")}
        urls = [f"http://127.0.0.1:{one.getsockname()[1]}" for one in self._internal.values()]
        self._internal["api"] = api_client.listen()
        self._api = api_client.ApiClient(self._internal["api"].getsockname())
        self._environment = environment.own(home, self._resources, *urls)
        self._supervisor = Supervisor(home.logs, self._environment)
        self._stopping = asyncio.Event()
        self._descriptors: list[socket.socket] = []
        self.ready = False

    async def run(self, announce: Any) -> None:
        """Serve until SIGTERM or SIGINT; `announce` is called once everything is ready.

        Raises:
            supervision.Unstable: a part cannot be kept running.
        """
        child.sweep(self._environment[child.MARK])
        os.environ.clear()
        os.environ.update(self._environment)
        catalogue.serve_anew()
        self._home.clear_temporary()
        urls = [self._environment[f"AWS_ENDPOINT_URL{of}"] for of in ("_SAGEMAKER", "_LAMBDA", "")]
        self._home.note_emulators(*urls[:2])
        self._home.note_store_url(urls[2])
        tempfile.tempdir = None  # to be looked up anew
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        read_end, write_end = os.pipe()
        self._start_guard(read_end)
        guarding = asyncio.create_task(self._keep_guard(read_end))
        rotating = asyncio.create_task(log_rotation.keep_rotating(self._home.logs))
        parts: list[asyncio.Task[None]] = []
        try:
            parts += [self._start_store(), self._start_api(), self._start_event_functions()]
            await self._unless_over(_all(self._store_answers(), asyncio.to_thread(_load)), parts)
            parts += [self._supervisor.run(role) for role in self._emulators()]
            await self._unless_over(
                _all(self._first_calls(), self._api.answers(), asyncio.to_thread(self._let_in)), parts
            )
            await self._serve(announce, parts)
        except _StoppedEarly:
            return
        finally:
            self.ready = False
            for listener in self._internal.values():
                listener.close()  # whoever still waits for an answer from there need not
            names = [name for name in self._supervisor.process_ids if name != "store"]
            await self._supervisor.stop(names, _STOP_PARTS_S)
            await self._supervisor.stop(["store"], _STOP_STORE_S)
            rotating.cancel()
            guarding.cancel()
            child.sweep(self._environment[child.MARK])
            self._guard.wait()
            os.close(write_end)
            os.close(read_end)

    def _start_guard(self, read_end: int) -> None:
        self._guard = child.start(
            "infra.local.processes.guard",
            [str(read_end)],
            self._home.logs / "guard.log",
            self._environment,
            [read_end],
            new_session=True,
        )

    async def _keep_guard(self, read_end: int) -> None:
        """Start the guard again whenever it has been killed: without it, what a kill leaves would stay."""
        while True:
            await ended(self._guard)
            _LOG.warning("the guard was ended and is started again")
            await asyncio.sleep(_LOOK_AGAIN_S)
            self._start_guard(read_end)

    async def _unless_over(self, work: Coroutine[Any, Any, T], parts: list[asyncio.Task[None]]) -> T:
        """Await a part of the start.

        Raises:
            _StoppedEarly: the service was asked to stop meanwhile.
            supervision.Unstable: a part cannot be kept running.
        """
        task, stopping = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        await asyncio.wait([task, stopping, *parts], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        is_done = task.done()
        task.cancel()  # or it would end in an error that nobody asks for, when its sockets are closed
        _raise_of(parts)
        if not is_done:
            raise _StoppedEarly
        return task.result()

    def _start_store(self) -> asyncio.Task[None]:
        descriptor = self._internal["store"].fileno()
        arguments = (str(self._home.store), str(descriptor), "--complete")
        role = Role("store", "infra.local.store.server", arguments, (descriptor,))
        return self._supervisor.run(role, restarted=self._store_restarted)

    async def _store_restarted(self) -> None:
        """Have the reconciler rebuild what lay in the queues."""
        await self._store_answers()
        if "events" in self._supervisor.process_ids:
            self._supervisor.signal("events", event_workers.STORE_RESTARTED)

    async def _store_answers(self) -> None:
        """Wait until the store has read its journal, and is complete."""
        address, port = self._internal["store"].getsockname()
        answer = b""
        while not answer:  # while it is started again, connections are taken, and given up
            reader, writer = await asyncio.open_connection(address, port)
            with contextlib.suppress(OSError):
                writer.write(b"GET / HTTP/1.0\r\n\r\n")
                answer = await reader.read(1)
            writer.close()
            await asyncio.sleep(0 if answer else _LOOK_AGAIN_S)

    def _emulators(self) -> list[Role]:
        training = self._internal["training"].fileno()
        recognition = self._internal["recognition"].fileno()
        return [
            Role(
                "training",
                "infra.local.sagemaker.emulator",
                (str(self._home.jobs), str(training)),
                (training,),
            ),
            Role("recognition", "infra.local.functions.lambda_emulator", (str(recognition),), (recognition,)),
        ]

    def _start_api(self) -> asyncio.Task[None]:
        descriptor = self._internal["api"].fileno()
        return self._supervisor.run(
            Role("api", "infra.local.api.api_process", (str(descriptor),), (descriptor,))
        )

    def _start_event_functions(self) -> asyncio.Task[None]:
        """Have their process load what it needs; it waits to be told that the queues are there."""
        self._told, theirs = socket.socketpair()
        self._told.setblocking(False)
        self._descriptors.append(theirs)
        number, terminal = str(theirs.fileno()), os.dup(2)
        role = Role(
            "events",
            "infra.local.functions.event_workers",
            (str(self._home.logs), "--terminal", str(terminal)),
            (theirs.fileno(), terminal),
        )
        return self._supervisor.run(role, at_first=("--restarted", number))

    async def _first_calls(self) -> None:
        """Have the clock's functions called, and wait for their end.

        They take what lies unfinished for abandoned: they must be over before new requests come in.
        """
        self._told.send(b"\n")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self._told, 1), _FIRST_CALL_S)

    def _let_in(self) -> None:
        """Let the service's own API key in, which is an administrator's."""
        from chalicelib.storage import credentials

        row = credentials.find(credentials.hash_of(self._api_key))
        if row is None or not row.administrator:
            credentials.add(self._api_key, self._home.owner, "make run", administrator=True)

    async def _serve(self, announce: Any, parts: list[asyncio.Task[None]]) -> None:
        from chalicelib.gateway import application
        from infra.local import metrics
        from infra.serving import http_server

        names = [queue.name for queue in self._resources.queues]
        readings = metrics.Readings(self._home.path, names)
        gateway = application.build(self._api, ready=lambda: self.ready, readings=readings)
        async with _lifespan(gateway):
            plain = http_server.config(gateway, drain_s=_DRAIN_S)
            encrypted = http_server.config(
                gateway,
                certificate=self._front.certificate,
                key=self._front.certificate_key,
                drain_s=_DRAIN_S,
            )
            # Both share one application, which is told of its start and end once.
            plain.lifespan = encrypted.lifespan = "off"
            servers = [Server(plain), Server(encrypted)]
            serving = [
                asyncio.create_task(one.serve(sockets=[listener]))
                for one, listener in zip(servers, self._listeners.values(), strict=True)
            ]
            gc.collect()
            gc.freeze()  # what was loaded stays: the collector need not go through it again and again
            self.ready = True
            announce()
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([stopping, *serving, *parts], return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            for one in servers:
                one.should_exit = True
            await asyncio.gather(*serving)
        self._api.close()
        _raise_of(parts)


async def _all(*work: Coroutine[Any, Any, None]) -> None:
    await asyncio.gather(*work)


def _load() -> None:
    """Load what the gateway needs, while other processes do the same."""
    from chalicelib.gateway import application  # noqa: F401
    from chalicelib.storage import connection
    from infra.serving import http_server  # noqa: F401

    connection.shared()


def _raise_of(parts: list[asyncio.Task[None]]) -> None:
    """Raise what ended a part, if one has ended."""
    for part in parts:
        if part.done():
            part.result()


@contextlib.asynccontextmanager
async def _lifespan(application: Application) -> AsyncIterator[None]:
    """Tell an application of its start and end, once for all servers that share it."""
    inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    scope = {"type": "lifespan", "asgi": {"version": "3.0"}}
    task = asyncio.ensure_future(application(scope, inbox.get, outbox.put))
    for event in ("startup", "shutdown"):
        await inbox.put({"type": f"lifespan.{event}"})
        await outbox.get()
        if event == "startup":
            yield
    await task
