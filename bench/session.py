"""More than an hour in one WebSocket request and as one job: is it all there, and does memory stay where it was."""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import tempfile
import threading
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from bench.figures import keep, measured_here
from bench.gateway import memory_bytes
from bench.long import RATE_HZ, stretches, telephone_speech
from bench.recordings import as_wav
from infra.local.demo.__main__ import service

MODEL = "en-US_NarrowbandModel"
PAUSES_S = (5.0, 13.0)
"""About a quarter of the time somebody speaks, so that the bench fits into a quarter of an hour."""
FRAME_S = 0.5
MARK_S = 600
MIB = 1024 * 1024
_PLAIN_URL = re.compile(r"HTTP +(http://\S+)")
_START = {
    "action": "start",
    "content-type": f"audio/l16;rate={RATE_HZ};endianness=little-endian",
    "interim_results": True,
    "timestamps": True,
    "inactivity_timeout": -1,
}


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _memory_mib() -> dict[str, float]:
    """Return the memory of the service's process with the gateway, and of its decoding processes in all."""
    (gateway,) = _children(os.getpid())
    decoders = [
        child
        for child in _children(gateway)
        if b"decoder_process" in (line := Path(f"/proc/{child}/cmdline").read_bytes())
        and b"--background" not in line
    ]
    return {
        "gateway": round(memory_bytes(gateway, "VmRSS:") / MIB, 1),
        "decoders": round(sum(memory_bytes(one, "VmRSS:") for one in decoders) / MIB, 1),
        "decoding_processes": len(decoders),
    }


def _listen(socket: ClientConnection, finals: list[dict[str, Any]]) -> None:
    while "state" not in (message := json.loads(socket.recv())):
        finals += [result for result in message["results"] if result["final"]]


def spoken(url: str, key: str, pcm: bytes) -> tuple[list[dict[str, Any]], list[dict[str, float]]]:
    """Send samples as fast as they are taken; return the final results, and memory at every ten minutes."""
    login = "Basic " + base64.b64encode(f"apikey:{key}".encode()).decode()
    finals: list[dict[str, Any]] = []
    marks = []
    with connect_websocket(
        f"{url.replace('http', 'ws', 1)}/v1/recognize?model={MODEL}",
        additional_headers={"Authorization": login},
        ping_interval=None,
    ) as socket:
        socket.send(json.dumps(_START))
        socket.recv()
        listening = threading.Thread(target=_listen, args=(socket, finals))
        listening.start()
        frame, mark = round(FRAME_S * RATE_HZ) * 2, MARK_S * RATE_HZ * 2
        for at in range(0, len(pcm), frame):
            socket.send(pcm[at : at + frame])
            if at % mark < frame and at:
                marks.append(_memory_mib())
        socket.send(b"")
        listening.join()
        marks.append(_memory_mib())
    return finals, marks


def as_job(url: str, key: str, wav: bytes) -> list[dict[str, Any]]:
    """Have a job recognise a recording; return its results."""
    login = "Basic " + base64.b64encode(f"apikey:{key}".encode()).decode()

    def ask(path: str, body: bytes | None = None) -> Any:
        headers = {"Authorization": login, "Content-Type": "audio/wav"}
        with urllib.request.urlopen(urllib.request.Request(f"{url}{path}", body, headers)) as answer:
            return json.load(answer)

    job = ask(f"/v1/recognitions?model={MODEL}&timestamps=true", wav)
    while job["status"] in ("waiting", "processing"):
        time.sleep(1)
        job = ask(f"/v1/recognitions/{job['id']}")
    if job["status"] != "completed":
        raise RuntimeError(f"the job failed: {job}")
    results: list[dict[str, Any]] = job["results"][0]["results"]
    return results


def measure(minutes: float) -> dict[str, Any] | None:
    """Run both; None when there is no speech on this machine."""
    recordings = telephone_speech()
    if not recordings:
        return None
    parts = stretches(recordings, minutes, PAUSES_S, seed=4)
    samples = np.concatenate([part.samples for part in parts])
    pcm = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2")
    with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as (_, key):
        said = (Path(folder) / "home" / "service.log").read_text()
        url = _PLAIN_URL.findall(said)[0]
        began_s = time.monotonic()
        finals, marks = spoken(url, key, pcm.tobytes())
        spoken_s = time.monotonic() - began_s
        results = as_job(url, key, as_wav(pcm, RATE_HZ))
        job_s = time.monotonic() - began_s - spoken_s
    stamps = [stamp for result in finals for stamp in result["alternatives"][0]["timestamps"]]
    return {
        "audio_s": round(len(pcm) / RATE_HZ),
        "websocket_s": round(spoken_s),
        "job_s": round(job_s),
        "utterances": len(finals),
        "same_results": finals == results,
        "times_in_order": [stamp[1] for stamp in stamps] == sorted(stamp[1] for stamp in stamps),
        "last_word_s": stamps[-1][2],
        "memory_mib": marks,
    }


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/session.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench session", description=__doc__)
    parser.add_argument("--minutes", type=float, default=62.0, help="of audio (62)")
    figures = measure(parser.parse_args(argv).minutes)
    if figures is None:
        return 0
    print(json.dumps(figures, indent=2))
    keep("session", figures | measured_here())
    return 0
