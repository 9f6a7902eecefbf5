"""The whole service at work for an hour: does memory stay as it was, and all take as long as before."""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import soundfile
from websockets.sync.client import connect

from bench.figures import keep, measured_here
from infra.local.processes import child
from tests.audio.signals import voice
from tests.local.running import RunningService, running_service

MIB = 1024 * 1024
RATE_HZ = 8000
EVERY_S = 20.0
"""Between two looks at the memory."""
WARM = 0.2
"""Of the time: so long caches fill and models are loaded."""
FLAT = 1.1
"""So many times what it was at the beginning the memory may be at the end."""
MODELS, LANGUAGE = "/v1/acoustic_customizations", "/v1/customizations"
MODEL = "model=en-US_NarrowbandModel"


def _flac(duration_s: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, voice(duration_s, RATE_HZ), RATE_HZ, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


class Client:
    """What users do, over and over; each method is one order from its beginning to its end."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._audio = _flac(3.0)
        made = {"name": "soak", "base_model_name": "en-US_NarrowbandModel"}
        body = json.dumps(made).encode()
        self._model = f"{MODELS}/{self._call('POST', MODELS, body)['customization_id']}"
        self._language = f"{LANGUAGE}/{self._call('POST', LANGUAGE, body)['customization_id']}"
        self._numbers = itertools.count()

    def _call(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> Any:
        status, answer = self._service.call(method, path, body, kind)
        if status >= 400:
            raise RuntimeError(f"{method} {path}: {answer}")
        return answer

    def show(self) -> None:
        """Look at a model."""
        self._call("GET", self._model)

    def recognize(self) -> None:
        """Have three seconds recognised."""
        self._call("POST", f"/v1/recognize?{MODEL}", self._audio, "audio/flac")

    def speak(self) -> None:
        """Have them recognised while they are spoken."""
        pcm, _ = soundfile.read(io.BytesIO(self._audio), dtype="int16")
        url = f"{self._service.url.replace('http', 'ws', 1)}/v1/recognize?{MODEL}"
        with connect(url, additional_headers=self._service.headers) as one:
            one.send(json.dumps({"action": "start", "content-type": f"audio/l16;rate={RATE_HZ}"}))
            one.recv()
            for at in range(0, len(pcm), RATE_HZ // 4):
                one.send(pcm[at : at + RATE_HZ // 4].tobytes())
            one.send(json.dumps({"action": "stop"}))
            while "state" not in (message := json.loads(one.recv())):
                if "error" in message:
                    raise RuntimeError(message)

    def job(self) -> None:
        """Have a job do it, and remove that."""
        job = self._call("POST", f"/v1/recognitions?{MODEL}", self._audio, "audio/flac")
        path = f"/v1/recognitions/{job['id']}"
        self._until(path, ("completed",))
        self._call("DELETE", path)

    def audio(self) -> None:
        """Upload a recording, and remove it."""
        path = f"{self._model}/audio/a{next(self._numbers) % 5}"
        self._call("POST", path, self._audio, "audio/flac")
        self._until(path, ("ok",))
        self._call("DELETE", path)

    def word(self) -> None:
        """Add a word, and remove it."""
        path = f"{self._language}/words/zorblatt"
        self._call("PUT", path, b'{"sounds_like": ["zorb lat"]}')
        self._until(self._language, ("ready",))
        self._call("DELETE", path)
        self._until(self._language, ("pending",))

    def _until(self, path: str, statuses: tuple[str, ...]) -> None:
        until_s = time.monotonic() + 120
        while (shown := self._call("GET", path)).get("container", shown)["status"] not in statuses:
            if time.monotonic() > until_s:
                raise RuntimeError(f"{path} stays as it is: {shown}")
            time.sleep(0.02)


def held(home: Path) -> dict[str, float]:
    """Return what the service holds: memory (shared parts once), in MiB; descriptors; MiB on the disk."""
    memory_bytes = descriptors = 0
    for process_id in child.marked(str(home.resolve())):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()
            memory_bytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
            descriptors += len(list(Path(f"/proc/{process_id}/fd").iterdir()))
    disk_bytes = 0
    for path in home.rglob("*"):
        with contextlib.suppress(OSError):
            disk_bytes += path.stat().st_size if path.is_file() else 0
    return {
        "memory_mib": round(memory_bytes / MIB, 1),
        "descriptors": descriptors,
        "disk_mib": round(disk_bytes / MIB, 1),
    }


def measure(minutes: float) -> dict[str, Any]:
    """Work for so many minutes, and look at what is held and how long everything takes."""
    looks: list[dict[str, float]] = []
    took_s: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder) / "home") as service:
        client = Client(service)
        orders = (client.show, client.recognize, client.speak, client.job, client.audio, client.word)
        began_s = looked_s = time.monotonic()
        while (now_s := time.monotonic() - began_s) < 60 * minutes:
            for order in orders:
                order_s = time.monotonic()
                order()
                took_s.setdefault(order.__name__, []).append((now_s, time.monotonic() - order_s))
            if time.monotonic() - looked_s > EVERY_S:
                looked_s = time.monotonic()
                looks.append({"at_s": round(looked_s - began_s), **held(service.home)})
                print(looks[-1], flush=True)
    return {"minutes": minutes, **_compared(looks, took_s, 60 * minutes), "looks": looks}


def _compared(
    looks: list[dict[str, float]], took_s: dict[str, list[tuple[float, float]]], whole_s: float
) -> dict[str, Any]:
    """Compare the second quarter of the time behind the warm-up with the last one."""
    warm_s = WARM * whole_s
    quarter_s = (whole_s - warm_s) / 4
    early, late = (warm_s, warm_s + quarter_s), (whole_s - quarter_s, float("inf"))

    def middle(values: Sequence[tuple[float, float]], span: tuple[float, float]) -> float | None:
        found = [value for at_s, value in values if span[0] <= at_s < span[1]]
        return round(statistics.median(found), 4) if found else None

    figures: dict[str, Any] = {}
    for name in ("memory_mib", "descriptors", "disk_mib"):
        values = [(look["at_s"], look[name]) for look in looks]
        figures[name] = {"early": middle(values, early), "late": middle(values, late)}
    figures["orders"] = {
        name: {"count": len(times), "early_s": middle(times, early), "late_s": middle(times, late)}
        for name, times in took_s.items()
    }
    memory = figures["memory_mib"]
    figures["flat"] = bool(memory["early"] and memory["late"] and memory["late"] <= FLAT * memory["early"])
    return figures


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/soak.json`. 1: memory grew."""
    parser = argparse.ArgumentParser(prog="python -m bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0, help="of work (60)")
    figures = measure(parser.parse_args(argv).minutes)
    print(json.dumps({name: value for name, value in figures.items() if name != "looks"}, indent=2))
    keep("soak", figures | measured_here())
    return 0 if figures["flat"] else 1
