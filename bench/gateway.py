"""The gateway's own cost: time per request that needs no store, and memory while large bodies pass."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.figures import ROOT, keep, measured_here

MIB = 1024 * 1024
REFERENCE_P50_MS = 1.2
"""The prototype's 404 with one client, through Chalice; a constant, not measured here."""
CLIENTS = (1, 8, 32)
ROUNDS = 3
UPLOADS = 4
UPLOAD_BYTES = 100 * MIB
REQUESTS = {"not_found": "/v1/nowhere", "unauthorized": "/v1/models"}
"""The first is answered before Chalice is called; the second is a 401 by the application itself."""
_AUDIO = "/v1/acoustic_customizations/c/audio/a"
_SERVE = """
import json, sys, uvicorn
from chalicelib.gateway import application
from chalicelib.gateway.backend import BackendResponse
from infra.serving import http_server

def taker(request):
    pending = any(name == "x-attune-body" and value.startswith("pending") for name, value in request.headers)
    return BackendResponse(204 if pending else 201, (), b"{}")

if sys.argv[2] == "app":
    from app import app
    from infra.serving.chalice_backend import ChaliceBackend
    backend = ChaliceBackend(app)
else:
    backend = taker
gateway = application.build(backend, ready=lambda: True)
uvicorn.Server(http_server.config(gateway, port=int(sys.argv[1]))).run()
"""
_STORE = """
import sys, time
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False)
server.start()
while True:
    time.sleep(3600)
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _process(code: str, *arguments: str, environment: dict[str, str]) -> Iterator[int]:
    """Run Python code that listens on the port it is given first; give its process id."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment, cwd=ROOT, stderr=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", int(arguments[0])), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("a part of the bench did not start")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        process.wait(15)


async def _client(port: int, path: str, count: int) -> list[float]:
    """Send requests one after the other on one connection; give the seconds that each took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".encode()
    took_s = []
    for _ in range(count):
        started_s = time.perf_counter()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        took_s.append(time.perf_counter() - started_s)
    writer.close()
    await writer.wait_closed()
    return took_s


async def _clients(port: int, path: str, clients: int, requests: int) -> list[float]:
    each = await asyncio.gather(*(_client(port, path, requests // clients) for _ in range(clients)))
    return [took_s for one in each for took_s in one]


def overhead(port: int, path: str, clients: int, requests: int) -> dict[str, float]:
    """Return the middle of several rounds: percentiles in ms, and requests per second."""
    rounds = []
    for _ in range(ROUNDS):
        started_s = time.perf_counter()
        took_s = sorted(asyncio.run(_clients(port, path, clients, requests)))
        elapsed_s = time.perf_counter() - started_s
        rounds.append((took_s[len(took_s) // 2], took_s[len(took_s) * 99 // 100], len(took_s) / elapsed_s))
    p50_s, p99_s, rate = (statistics.median(column) for column in zip(*rounds, strict=True))
    return {"p50_ms": round(p50_s * 1000, 3), "p99_ms": round(p99_s * 1000, 3), "per_s": round(rate)}


def memory_bytes(pid: int, field: str) -> int:
    """Return a size that Linux tells of a process: `VmRSS:` now, `VmHWM:` the most it ever was."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _upload(port: int, size_bytes: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    piece = bytes(MIB)
    body = (piece for _ in range(size_bytes // MIB))
    headers = {"Content-Length": str(size_bytes), "Content-Type": "application/zip"}
    with contextlib.closing(connection):
        connection.request("POST", _AUDIO, body, headers)
        status = connection.getresponse().status
    if status != http.HTTPStatus.CREATED:
        raise RuntimeError(f"an upload was answered with {status}")


def uploads(port: int, pid: int, at_once: int) -> dict[str, float]:
    """Send large bodies at the same time; return how long it took and how much the gateway grew."""
    _upload(port, 2 * MIB)
    before = memory_bytes(pid, "VmRSS:")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is counted from here
    started_s = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(lambda _: _upload(port, UPLOAD_BYTES), range(at_once)))
    elapsed_s = time.perf_counter() - started_s
    grown = memory_bytes(pid, "VmHWM:") - before
    return {
        "uploads": at_once,
        "mib_each": UPLOAD_BYTES // MIB,
        "elapsed_s": round(elapsed_s, 2),
        "mib_per_s": round(at_once * UPLOAD_BYTES / MIB / elapsed_s, 1),
        "rss_growth_mib": round(grown / MIB, 1),
    }


def _environment() -> dict[str, str]:
    return os.environ | {
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "ATTUNE_BUCKET": "attune-bench",
        "ATTUNE_INTERNAL_SECRET": "a-secret-for-benches-that-is-long-enough",
        "ATTUNE_TRAINING_IMAGE": "none",
        "ATTUNE_TRAINING_ROLE_ARN": "none",
        "POWERTOOLS_LOG_LEVEL": "ERROR",
    }


def measure(requests: int) -> dict[str, Any]:
    """Run everything; each part in a process of its own, so that the clients do not share its interpreter."""
    store_port, port = _free_port(), _free_port()
    environment = _environment() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{store_port}"}
    figures: dict[str, Any] = {"reference_p50_ms": REFERENCE_P50_MS, "uploads": []}
    with _process(_SERVE, str(port), "app", environment=environment):
        for name, path in REQUESTS.items():
            overhead(port, path, 1, 500)
            figures[name] = {clients: overhead(port, path, clients, requests) for clients in CLIENTS}
    with _process(_STORE, str(store_port), environment=environment):
        store = http.client.HTTPConnection("127.0.0.1", store_port)
        with contextlib.closing(store):
            store.request("PUT", "/attune-bench")
            store.getresponse().read()
        for at_once in (1, UPLOADS):
            port = _free_port()
            with _process(_SERVE, str(port), "taker", environment=environment) as pid:
                figures["uploads"].append(uploads(port, pid, at_once))
    return figures


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/gateway.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench gateway", description=__doc__)
    parser.add_argument("--requests", type=int, default=3000, help="requests per round")
    options = parser.parse_args(argv)
    figures = measure(options.requests)
    for name in REQUESTS:
        for clients, row in figures[name].items():
            print(
                f"{name}, {clients:2} clients: p50 {row['p50_ms']:.2f} ms, p99 {row['p99_ms']:.2f} ms, "
                f"{row['per_s']} per second"
            )
    print(f"prototype's 404 with one client, from its own measurement: p50 {REFERENCE_P50_MS} ms")
    for row in figures["uploads"]:
        print(
            f"{row['uploads']} x {row['mib_each']} MiB: {row['elapsed_s']:.1f} s, {row['mib_per_s']:.0f} MiB/s, "
            f"memory grows by {row['rss_growth_mib']:.0f} MiB"
        )
    keep("gateway", figures | measured_here())
    return 0
