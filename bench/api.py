"""Latency of the JSON calls on the running service, store included; and how long the API takes to import."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local.demo import ROOT, service

REFERENCES_P50_MS = {"not_found": 1.2, "get_model": 3.7, "post_model": 4.4}
"""The prototype's, with one client; constants, not measured here."""
CLIENTS = (1, 8, 32)
REQUESTS = 384
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

    async def client(self, requests: Sequence[Request]) -> tuple[list[float], list[Any]]:
        """Send requests one after the other on one connection; give the seconds of each, and the answers.

        Raises:
            RuntimeError: an answer has another status than the one expected.
        """
        reader, writer = await asyncio.open_connection(self._host, self._port)
        took_s, answers = [], []
        for request in requests:
            started_s = time.perf_counter()
            writer.write(request.wire)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            took_s.append(time.perf_counter() - started_s)
            if int(head.split()[1]) != request.status:
                raise RuntimeError(f"expected {request.status}, got {body.decode()}")
            answers.append(json.loads(body))
        writer.close()
        await writer.wait_closed()
        return took_s, answers

    async def clients(self, request: Request, clients: int, count: int) -> tuple[list[float], list[Any]]:
        """Send `count` requests from several clients at once."""
        each = [request] * (count // clients)
        ended = await asyncio.gather(*(self.client(each) for _ in range(clients)))
        return [one for took_s, _ in ended for one in took_s], [one for _, said in ended for one in said]

    def send(self, *requests: Request) -> list[Any]:
        """Send requests one after the other; give the answers."""
        return asyncio.run(self.client(requests))[1]

    def created(self, answers: Sequence[Any]) -> list[Request]:
        """Return the requests that delete what was created."""
        return [self.request("DELETE", f"{_MODELS}/{answer['customization_id']}", 200) for answer in answers]


def latency(api: Api, request: Request, clients: int, count: int) -> tuple[dict[str, float], list[Any]]:
    """Return percentiles in ms and requests per second, and the answers."""
    started_s = time.perf_counter()
    took_s, answers = asyncio.run(api.clients(request, clients, count))
    elapsed_s = time.perf_counter() - started_s
    took_s.sort()
    figures = {
        "p50_ms": round(took_s[len(took_s) // 2] * 1000, 2),
        "p99_ms": round(took_s[len(took_s) * 99 // 100] * 1000, 2),
        "per_s": round(len(took_s) / elapsed_s),
    }
    return figures, answers


def measure(api: Api, count: int) -> dict[str, Any]:
    """Measure the three calls with each number of clients; no more models are there than one level makes."""
    post = api.request(
        "POST", _MODELS, 201, {"name": "bench", "base_model_name": "en-US_BroadbandModel", "description": "x"}
    )
    kept = api.send(post)
    calls = {
        "not_found": api.request("GET", "/v1/models/nothing", 404),
        "get_model": api.request("GET", f"{_MODELS}/{kept[0]['customization_id']}", 200),
        "post_model": post,
    }
    figures: dict[str, Any] = {}
    for name, request in calls.items():
        figures[name] = {}
        for clients in (0, *CLIENTS):  # the first one warms up
            row, answers = latency(api, request, clients or 1, count if clients else WARM_UP)
            if request is post:
                api.send(*api.created(answers))
            if clients:
                figures[name][clients] = row
                print(
                    f"{name}, {clients:2} clients: p50 {row['p50_ms']:.2f} ms, "
                    f"p99 {row['p99_ms']:.2f} ms, {row['per_s']} per second",
                    flush=True,
                )
    api.send(*api.created(kept))
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
    figures |= {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "load_before": round(load, 2),
        "python": platform.python_version(),
    }
    target = ROOT / ".attune" / "bench" / "api.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")
    return 0
