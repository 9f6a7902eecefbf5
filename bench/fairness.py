"""How long an owner waits while another one sends the worst that he may; and what digital silence costs."""

from __future__ import annotations

import argparse
import base64
import contextlib
import functools
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from bench.figures import ROOT, keep, measured_here
from bench.long import RATE_HZ, stretches, telephone_speech
from bench.recordings import as_wav
from infra.local.demo.__main__ import service

MODEL = "en-US_NarrowbandModel"
SMALL_S = 30.0
REPEATS = 3
WARM_UP_S = 4.0
"""So long the other owner is at it before anything is measured."""
AT_ONCE = 24
"""Requests of the other owner: more than he may have under way, so that some are refused."""
SILENCE_HOURS = 10
_PLAIN_URL = re.compile(r"HTTP +(http://\S+)")
_KEY = re.compile(r"key +(\S+)")
_SILENCE = """
import sys, time
from pathlib import Path
from chalicelib.recognition import recordings, utterances
began_s, began_cpu_s = time.perf_counter(), time.process_time()
with recordings.decoded(Path(sys.argv[1]), None, 16_000) as recording:
    decoded_s = time.process_time() - began_cpu_s
    assert utterances.find(recording, utterances.Cutting()) == []
print(decoded_s, time.process_time() - began_cpu_s - decoded_s)
"""


@dataclass(frozen=True)
class Owner:
    """Who asks, and where."""

    url: str
    key: str

    @property
    def login(self) -> str:
        """The value of the header that lets him in."""
        return "Basic " + base64.b64encode(f"apikey:{self.key}".encode()).decode()

    def recognize(self, audio: bytes, content_type: str) -> int:
        """Have audio recognised; give the status of the answer."""
        headers = {"Authorization": self.login, "Content-Type": content_type}
        request = urllib.request.Request(f"{self.url}/v1/recognize?model={MODEL}", audio, headers)
        try:
            with urllib.request.urlopen(request, timeout=900) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def stream(self, pcm: bytes) -> int:
        """Send samples over a WebSocket as fast as they are taken; 200, or the status that refused it."""
        start = {"action": "start", "content-type": f"audio/l16;rate={RATE_HZ};endianness=little-endian"}
        url = f"{self.url.replace('http', 'ws', 1)}/v1/recognize?model={MODEL}"
        try:
            with connect(
                url, additional_headers={"Authorization": self.login}, ping_interval=None, max_size=None
            ) as socket:
                socket.send(json.dumps(start | {"inactivity_timeout": -1, "interim_results": True}))
                for at in range(0, len(pcm), 1 << 16):
                    socket.send(pcm[at : at + (1 << 16)])
                socket.send(b"")
                states = 0
                while states < 2:
                    states += "state" in json.loads(socket.recv(900))
        except InvalidStatus as refused:
            return refused.response.status_code
        except ConnectionClosed:
            return 503
        return 200


def _flac(samples: NDArray[np.int16], rate_hz: int, times: int) -> bytes:
    packed = io.BytesIO()
    with soundfile.SoundFile(packed, "w", rate_hz, 1, "PCM_16", format="FLAC") as file:
        for _ in range(times):
            file.write(samples)
    return packed.getvalue()


def silence(hours: float) -> bytes:
    """Return so many hours of digital silence, at 16 kHz as FLAC: 90 kB an hour."""
    return _flac(np.zeros(16_000 * 600, np.int16), 16_000, round(hours * 6))


def hiss(hours: float) -> bytes:
    """Return so many hours of the softest noise there is."""
    softest = np.random.default_rng(1).integers(-1, 2, 16_000 * 600).astype(np.int16)
    return _flac(softest, 16_000, round(hours * 6))


def _speech(seconds: float, seed: int) -> NDArray[np.int16] | None:
    recordings = telephone_speech()
    if not recordings:
        return None
    parts = stretches(recordings, seconds / 60, (0.3, 1.0), seed)
    samples = np.concatenate([part.samples for part in parts])
    return np.asarray(np.clip(np.rint(samples * 32767), -32768, 32767), np.int16)


@contextlib.contextmanager
def _at_it(threads: int, send: Callable[[], int], answers: list[int]) -> Iterator[None]:
    """Send again and again from so many threads for as long as the context lasts."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            with contextlib.suppress(OSError):
                answers.append(send())
            if answers and answers[-1] == 429:
                time.sleep(0.5)  # as a client that heeds Retry-After by far too little

    running = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        over.set()


def _took_s(owner: Owner, audio: bytes) -> list[float]:
    took_s = []
    for _ in range(REPEATS):
        began_s = time.monotonic()
        status = owner.recognize(audio, "audio/wav")
        if status != 200:
            raise RuntimeError(f"the small request was answered with {status}")
        took_s.append(time.monotonic() - began_s)
    return took_s


def _made_owner(home: Path, url: str) -> Owner:
    made = subprocess.run(
        [sys.executable, "-m", "infra.keys", "make", "--label", "bench"],
        cwd=ROOT,
        env={**os.environ, "ATTUNE_HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return Owner(url, _KEY.findall(made.stdout)[0])


def foreign_owner(wanted: Sequence[str]) -> dict[str, Any] | None:
    """Measure a small request alone and beside each kind of load; None when there is no speech here."""
    small, long = _speech(SMALL_S, 7), _speech(60.0, 8)
    if small is None or long is None:
        return None
    wav, long_wav, pcm = as_wav(small, RATE_HZ), as_wav(long, RATE_HZ), long.tobytes()
    figures: dict[str, Any] = {"audio_s": round(len(small) / RATE_HZ, 1)}
    quiet, soft = silence(SILENCE_HOURS), hiss(2)
    for name, threads, send in [
        ("silence of 10 h", AT_ONCE, lambda owner: owner.recognize(quiet, "audio/flac")),
        ("hiss of 2 h", AT_ONCE, lambda owner: owner.recognize(soft, "audio/flac")),
        ("speech of 1 min", AT_ONCE, lambda owner: owner.recognize(long_wav, "audio/wav")),
        ("small requests", AT_ONCE, lambda owner: owner.recognize(wav, "audio/wav")),
        ("streams", 12, lambda owner: owner.stream(pcm)),
    ]:
        if wanted and name not in wanted:
            continue
        # Each on a service of its own: what one leaves at work is not measured with the next.
        with tempfile.TemporaryDirectory() as folder, service(Path(folder) / "home") as (_, key):
            home = Path(folder) / "home"
            url = _PLAIN_URL.findall((home / "service.log").read_text())[0]
            greedy, first, modest = Owner(url, key), _made_owner(home, url), _made_owner(home, url)
            _took_s(first, wav)  # loads the models
            alone_s = _took_s(first, wav)
            answers: list[int] = []
            with _at_it(threads, functools.partial(send, greedy), answers):
                time.sleep(WARM_UP_S)
                beside_s = _took_s(modest, wav)
            alone, beside = statistics.median(alone_s), statistics.median(beside_s)
            figures[name] = {
                "alone_s": round(alone, 2),
                "beside_s": round(beside, 2),
                "ratio": round(beside / alone, 2),
                "worst_ratio": round(max(beside_s) / alone, 2),
                "answers_to_the_other": {str(code): answers.count(code) for code in sorted(set(answers))},
            }
            print(f"{name:16} {json.dumps(figures[name])}", flush=True)
    return figures


def digital_silence(against: Path | None) -> dict[str, Any]:
    """Measure what ten hours of silence cost, here and in another checkout of the project, in turns."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "silence.flac"
        source.write_bytes(silence(SILENCE_HOURS))
        checkouts = {"here": ROOT} | ({} if against is None else {"against": against})
        took: dict[str, list[tuple[float, float]]] = {name: [] for name in checkouts}
        for _ in range(3):
            for name, checkout in checkouts.items():
                done = subprocess.run(
                    [sys.executable, "-c", _SILENCE, str(source)],
                    cwd=checkout,
                    env={**os.environ, "PYTHONPATH": str(checkout)},
                    capture_output=True,
                    text=True,
                    check=True,
                )
                decode_s, find_s = map(float, done.stdout.split())
                took[name].append((decode_s, find_s))
    figures: dict[str, Any] = {
        name: {
            "decode_cpu_s": round(statistics.median(decode for decode, _ in times), 2),
            "find_speech_cpu_s": round(statistics.median(find for _, find in times), 2),
        }
        for name, times in took.items()
    }
    if against is not None:
        here, there = figures["here"], figures["against"]
        figures["ratio"] = round(sum(here.values()) / sum(there.values()), 3)
        figures["find_speech_ratio"] = round(here["find_speech_cpu_s"] / there["find_speech_cpu_s"], 3)
    return figures


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/fairness.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench fairness", description=__doc__)
    parser.add_argument("--against", type=Path, help="another checkout, whose cost of silence is compared")
    parser.add_argument("--only", nargs="*", default=[], help="kinds of load; 'none' measures silence alone")
    options = parser.parse_args(argv)
    figures: dict[str, Any] = {"silence": digital_silence(options.against)}
    print(json.dumps(figures["silence"]), flush=True)
    figures["foreign_owner"] = None if options.only == ["none"] else foreign_owner(options.only)
    keep("fairness", measured_here() | figures)
    return 0
