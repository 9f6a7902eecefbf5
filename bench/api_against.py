"""GET of a model here and in another checkout, both services running, asked in turns: time and processor time."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.api import Api, Request
from bench.figures import ROOT, keep, measured_here
from bench.gateway import cpu_s
from bench.memory import running
from infra.local.processes import child

CLIENTS = (8, 32)
_MODELS = "/v1/acoustic_customizations"


class Checkout:
    """A running service of one checkout of the project, with a model to ask for."""

    def __init__(self, home: Path, process: subprocess.Popen[bytes], url: str) -> None:
        self._home = home
        self._process = process
        self.api = Api(url, (home / "api-key").read_text().strip())
        body = {"name": "bench", "base_model_name": "en-US_BroadbandModel"}
        made = asyncio.run(self.api.once(self.api.request("POST", _MODELS, 201, body)))
        self.get: Request = self.api.request("GET", f"{_MODELS}/{made['customization_id']}", 200)

    def cpu_s(self) -> float:
        """Return the processor time that all processes of the service have used so far."""
        used_s = 0.0
        for process_id in (self._process.pid, *child.marked(str(self._home.resolve()))):
            with contextlib.suppress(OSError):  # it has ended meanwhile
                used_s += cpu_s(process_id)
        return used_s

    def round(self, clients: int, requests: int) -> tuple[float, float]:
        """Return p50 and processor time of a request, both in ms."""
        before_s = self.cpu_s()
        took_s = asyncio.run(self.api.clients(self.get, clients, requests, undo=False))
        used_s = self.cpu_s() - before_s
        return 1000 * statistics.median(took_s), 1000 * used_s / len(took_s)


@contextlib.contextmanager
def checkout(root: Path, home: Path) -> Iterator[Checkout]:
    """Run the service of a checkout."""
    with running(home, root) as (process, url, _):
        yield Checkout(home, process, url)


def measure(against: Path, rounds: int, requests: int) -> dict[str, Any]:
    """Return medians of both checkouts and of the ratios within each round, for each number of clients."""
    figures: dict[str, Any] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        checkout(against.resolve(), Path(folder) / "against") as there,
        checkout(ROOT, Path(folder) / "here") as here,
    ):
        for one in (there, here):
            one.round(8, requests)  # warms up
        for clients in CLIENTS:
            seen: dict[Checkout, list[tuple[float, float]]] = {there: [], here: []}
            for number in range(rounds):
                for one in (there, here) if number % 2 else (here, there):
                    seen[one].append(one.round(clients, requests))
            figures[str(clients)] = {
                name: {
                    "here": round(statistics.median(row[column] for row in seen[here]), 3),
                    "against": round(statistics.median(row[column] for row in seen[there]), 3),
                    "ratio": round(
                        statistics.median(
                            mine[column] / other[column]
                            for mine, other in zip(seen[here], seen[there], strict=True)
                        ),
                        3,
                    ),
                }
                for column, name in enumerate(("p50_ms", "cpu_ms"))
            }
            print(f"GET model, {clients} clients: {figures[str(clients)]}", flush=True)
    return figures


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/api_against.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench api_against", description=__doc__)
    parser.add_argument("against", type=Path, help="the other checkout")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--requests", type=int, default=800, help="in each round")
    options = parser.parse_args(argv)
    keep("api_against", measure(options.against, options.rounds, options.requests) | measured_here())
    return 0
