"""Latency of the JSON calls on the running service, store included; and how long the API takes to import."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.figures import keep, measured_here
from infra.local.demo.__main__ import ROOT, service

REFERENCES_P50_MS = {"not_found": 1.2, "get_model": 3.7, "post_model": 4.4}
"""The prototype's, with one client; constants, not measured here."""
CLIENTS = (1, 8, 32)
REQUESTS = 256
WARM_UP = 32
IMPORTS = 7
_MODELS = "/v1/acoustic_customizations"
_PLAIN_URL = re.compile(r"HTTP +(http://\S+)")
_IMPORT = "import time; s = time.perf_counter(); import app; print(time.perf_counter() - s)"


@dataclass(frozen=True)
class Request:
    """A request as it goes over the wire, and the status that answers it."""

    wire: bytes
    status: int


class Api:
    """The running service over plain HTTP, on connections that are kept."""

    def __init__(self, url: str, key: str) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 0
        self._authorization = base64.b64encode(f"apikey:{key}".encode()).decode()

    def request(self, method: str, path: str, status: int, document: Any = None) -> Request:
        """Return a request, ready to be sent any number of times."""
        body = b"" if document is None else json.dumps(document).encode()
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}:{self._port}\r\n"
            f"Authorization: Basic {self._authorization}\r\nAccept: application/json\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return Request(head.encode() + body, status)

    def delete(self, created: Any) -> Request:
        """Return the request that deletes what a create call has answered."""
        return self.request("DELETE", f"{_MODELS}/{created['customization_id']}", 200)

    async def client(self, request: Request, count: int, *, undo: bool) -> list[float]:
        """Send a request again and again on one connection; give the seconds that each took.

        What it creates is deleted in between, out of the count: no more models are there than clients.
        """
        reader, writer = await asyncio.open_connection(self._host, self._port)
        took_s = []
        for _ in range(count):
            started_s = time.perf_counter()
            answer = await self._exchange(reader, writer, request)
            took_s.append(time.perf_counter() - started_s)
            if undo:
                await self._exchange(reader, writer, self.delete(answer))
        writer.close()
        await writer.wait_closed()
        return took_s

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request
    ) -> Any:
        """Raises RuntimeError when the answer has another status than the one expected."""
        writer.write(request.wire)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if int(head.split()[1]) != request.status:
            raise RuntimeError(f"expected {request.status}, got {body.decode()}")
        return json.loads(body)

    async def clients(self, request: Request, clients: int, count: int, *, undo: bool) -> list[float]:
        """Send `count` requests from several clients at once."""
        each = await asyncio.gather(
            *(self.client(request, count // clients, undo=undo) for _ in range(clients))
        )
        return [took_s for one in each for took_s in one]

    async def once(self, request: Request) -> Any:
        """Send one request; give its answer."""
        reader, writer = await asyncio.open_connection(self._host, self._port)
        answer = await self._exchange(reader, writer, request)
        writer.close()
        await writer.wait_closed()
        return answer


def measure(api: Api, count: int) -> dict[str, Any]:
    """Return percentiles in ms of the three calls, with each number of clients."""
    body = {"name": "bench", "base_model_name": "en-US_BroadbandModel", "description": "x"}
    post = api.request("POST", _MODELS, 201, body)
    model = asyncio.run(api.once(post))
    calls = {
        "not_found": api.request("GET", "/v1/models/nothing", 404),
        "get_model": api.request("GET", f"{_MODELS}/{model['customization_id']}", 200),
        "post_model": post,
    }
    figures: dict[str, Any] = {}
    for name, request in calls.items():
        asyncio.run(api.clients(request, 1, WARM_UP, undo=request is post))
        figures[name] = {}
        for clients in CLIENTS:
            took_s = sorted(asyncio.run(api.clients(request, clients, count, undo=request is post)))
            p50_ms, p99_ms = (round(took_s[len(took_s) * share // 100] * 1000, 2) for share in (50, 99))
            figures[name][clients] = {"p50_ms": p50_ms, "p99_ms": p99_ms}
            print(f"{name}, {clients:2} clients: p50 {p50_ms:.2f} ms, p99 {p99_ms:.2f} ms", flush=True)
    asyncio.run(api.once(api.delete(model)))
    return figures


def import_s() -> float:
    """Return how long `import app` takes in a fresh interpreter: the median of several."""
    took_s = []
    for _ in range(IMPORTS + 1):  # the first one may have to compile
        ended = subprocess.run(
            [sys.executable, "-c", _IMPORT], cwd=ROOT, check=True, capture_output=True, text=True
        )
        took_s.append(float(ended.stdout))
    return statistics.median(took_s[1:])


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/api.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench api", description=__doc__)
    parser.add_argument("--requests", type=int, default=REQUESTS, help="requests per call and level")
    options = parser.parse_args(argv)
    load = os.getloadavg()[0]
    figures: dict[str, Any] = {"references_p50_ms": REFERENCES_P50_MS, "import_app_s": round(import_s(), 3)}
    print(f"import app: {1000 * figures['import_app_s']:.0f} ms")
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as (_, key):
        said = _PLAIN_URL.search((Path(folder) / "home" / "service.log").read_text())
        if said is None:
            raise RuntimeError("the service does not say where it answers")
        figures |= measure(Api(said[1], key), options.requests)
    print(f"prototype with one client, from its own measurements: p50 in ms {REFERENCES_P50_MS}")
    keep("api", figures | measured_here() | {"load_before": round(load, 2)})
    return 0
