"""Starts, kills and restarts the store and the whole service for tests."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from infra.local import wire
from infra.local.processes import child
from tests.ports import free_port

ACCESS_KEY = "LOCALTESTKEY"


class RunningStore:
    """A store process on a folder; `restart` comes back with the same folder and port."""

    def __init__(
        self, folder: Path, *arguments: str, module: str = "infra.local.store.server", **variables: str
    ) -> None:
        self.folder = folder
        self._module = module
        self._arguments = arguments
        self._listener = wire.listen()
        self._clients: list[Any] = []
        self._environment = {**os.environ, "AWS_ACCESS_KEY_ID": ACCESS_KEY, **variables}
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        descriptor = self._listener.fileno()
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.folder / "store.log"
        return child.start(
            self._module,
            [str(self.folder / "store"), str(descriptor), *self._arguments],
            log,
            self._environment,
            [descriptor],
        )

    def client(self, service: str, access_key: str = ACCESS_KEY, read_timeout_s: float = 30) -> Any:
        """Return a client of S3, DynamoDB or SQS, which is closed with the store."""
        client = boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.url,
            aws_access_key_id=access_key,
            aws_secret_access_key="unused",
            config=Config(read_timeout=read_timeout_s, retries={"max_attempts": 0}),
        )
        self._clients.append(client)
        return client

    def create_table(self, name: str) -> None:
        """Make a table whose only key is `id`, a string."""
        self.client("dynamodb").create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        """Kill it and start it anew."""
        self.kill()
        self.process = self._start()

    def close(self) -> None:
        """End it and give the port back."""
        self.kill()
        for client in self._clients:
            client.close()
        self._listener.close()


@contextlib.contextmanager
def running_store(folder: Path, *arguments: str, **options: str) -> Iterator[RunningStore]:
    """Run a store for as long as the block takes."""
    store = RunningStore(folder, *arguments, **options)
    try:
        yield store
    finally:
        store.close()


class RunningService:
    """The whole service as `make run` starts it, on one home."""

    def __init__(self, home: Path, **variables: str) -> None:
        self.home = home
        self.port, self.tls_port = free_port(), free_port()
        self.key = "a-key-for-tests-that-nobody-guesses"
        self._environment = {
            **os.environ,
            "PORT": str(self.port),
            "TLS_PORT": str(self.tls_port),
            "ATTUNE_HOME": str(home),
            "ATTUNE_API_KEY": self.key,
            # Custom acoustic models are made on the engine that learns in a minute.
            "ATTUNE_ADAPTED_ENGINES": "sphinx",
            **variables,
        }
        self.launch()

    @property
    def url(self) -> str:
        """Where it answers in the clear."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What opens it."""
        token = base64.b64encode(f"apikey:{self.key}".encode()).decode()
        return {"Authorization": f"Basic {token}"}

    def launch(self) -> None:
        """Start the process; `wait_until_ready` tells when it serves."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "service.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "infra.local"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                cwd=child.ROOT,
            )

    def wait_until_ready(self, timeout_s: float = 120.0) -> None:
        """Return once `GET /health` answers 200."""
        until = time.monotonic() + timeout_s
        while time.monotonic() < until and self.process.poll() is None:
            with (
                contextlib.suppress(OSError, urllib.error.HTTPError),
                urllib.request.urlopen(f"{self.url}/health", timeout=5),
            ):
                return
            time.sleep(0.05)
        raise AssertionError(f"not ready; it said: {(self.home / 'service.log').read_text()[-2000:]}")

    def call(
        self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """Make a request with the service's key and return status and JSON."""
        request = urllib.request.Request(
            self.url + path,
            data=body,
            method=method,
            headers={**self.headers, "Content-Type": content_type},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.status, json.loads(response.read() or b"{}")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"{}")

    def kill(self) -> None:
        """SIGKILL the main process; the others have to notice."""
        self.process.kill()
        self.process.wait()

    def left_behind(self, timeout_s: float = 120.0) -> list[int]:
        """Return the processes that are still there after a while."""
        until = time.monotonic() + timeout_s
        while (alive := list(child.marked(str(self.home.resolve())))) and time.monotonic() < until:
            time.sleep(0.05)
        return alive

    def stop(self) -> tuple[int, float]:
        """Ask it to end and return its exit status and how long it took."""
        began_s = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        return status, time.monotonic() - began_s


@contextlib.contextmanager
def running_service(home: Path, **variables: str) -> Iterator[RunningService]:
    """Run the service for as long as the block takes."""
    service = RunningService(home, **variables)
    try:
        service.wait_until_ready()
        yield service
    finally:
        service.kill()
        assert not service.left_behind()
