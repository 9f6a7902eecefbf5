"""WebSockets: what the protocol costs, how late finals come at the pace of speech, and memory of many connections."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connect_websocket

from bench.figures import keep, kept, measured_here
from bench.gateway import _environment, _free_port, _process, cpu_s, memory_bytes
from bench.recordings import AN4, RecordingsUnavailable
from chalicelib.engines.catalogue import BASE_MODELS

RATE_HZ = 16_000
NEWEST = BASE_MODELS["en-US_BroadbandModel"].newest_version
PARTS = ("protocol", "memory", "latency")
FRAME_BYTES, FRAMES_PER_S = 1024, 100
SOCKETS, IDLE_SOCKETS = 20, 200
PAUSE_S = 1.5
"""Between utterances of the latency bench: more than the 0.8 s that end one."""
BLOCK_S = 0.02
JOINED = 3
"""Recordings that make one utterance of the bench without interim results."""
MIB = 1024 * 1024
_START = {"action": "start", "content-type": f"audio/l16;rate={RATE_HZ};endianness=little-endian"}
_SERVE = """
import json, os, sys, uvicorn
from chalicelib.gateway import application
from chalicelib.gateway.backend import BackendResponse
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.decoding.decoding_processes import WORKER_COMMAND
from chalicelib.recognition.request.models import ServingModel
from infra.serving import http_server

model = ServingModel(sys.argv[3], None)
answer = BackendResponse(200, (), json.dumps(model.to_json()).encode())
command = WORKER_COMMAND if sys.argv[2] == "engine" else (sys.executable, "-m", "bench.null_decoder")
pool = lambda: DecoderPool(2 * (os.cpu_count() or 1), command=command)
gateway = application.build(lambda request: answer, ready=lambda: True, pool=pool)
uvicorn.Server(http_server.config(gateway, port=int(sys.argv[1]))).run()
"""


@dataclass(frozen=True)
class Spoken:
    """An utterance, and where in it the speech ends by its level alone."""

    pcm: NDArray[np.int16]
    speech_end_s: float


def spoken(count: int) -> list[Spoken]:
    """Return utterances of AN4's training half.

    Raises:
        RecordingsUnavailable: AN4 is not beside the project.
    """
    files = sorted((AN4 / "train").glob("*.flac"))
    if not files:
        raise RecordingsUnavailable(f"AN4 is not there: put it into {AN4}")
    chosen = np.random.default_rng(3).permutation(len(files))[:count]
    return [_spoken(soundfile.read(files[place], dtype="int16")[0]) for place in chosen]


def _spoken(pcm: NDArray[np.int16]) -> Spoken:
    hop = RATE_HZ // 50
    frames = pcm[: len(pcm) // hop * hop].astype(np.float64).reshape(-1, hop)
    level_db = 10 * np.log10(frames.var(axis=1) + 1)
    background_db, loud_db = np.percentile(level_db, [5, 98])
    loud = np.flatnonzero(level_db > background_db + (loud_db - background_db) * 0.3)
    return Spoken(pcm, float(loud[-1] + 1) * hop / RATE_HZ)


def pauses(count: int, random: np.random.Generator) -> NDArray[np.int16]:
    """Return the noise of a quiet room."""
    return np.asarray(random.standard_normal(count) * 20, np.int16)


@contextlib.contextmanager
def _gateway(engine: str, version: str) -> Iterator[tuple[str, int]]:
    """Serve a base version by a gateway in a process of its own; give its WebSocket URL and its process id."""
    port = _free_port()
    environment = _environment() | {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    with _process(_SERVE, str(port), engine, version, environment=environment) as pid:
        yield f"ws://127.0.0.1:{port}/v1/recognize", pid


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _connect(url: str) -> Any:
    return connect_websocket(url, compression=None, max_queue=None, ping_interval=None)


async def _started(socket: ClientConnection, **parameters: Any) -> None:
    await socket.send(json.dumps(_START | parameters))
    assert json.loads(await socket.recv())["state"] == "listening"


async def _drain(socket: ClientConnection) -> int:
    """Read until the request is answered; return how many finals came."""
    finals = 0
    while "state" not in (message := json.loads(await socket.recv())):
        finals += sum(bool(result["final"]) for result in message["results"])
    return finals


async def _stream(socket: ClientConnection, audio: bytes, frames: int) -> None:
    """Send frames on their beat."""
    began_s = time.monotonic()
    for number in range(frames):
        at = number * FRAME_BYTES % (len(audio) - FRAME_BYTES)
        await socket.send(audio[at - at % 2 :][:FRAME_BYTES])
        ahead_s = began_s + (number + 1) / FRAMES_PER_S - time.monotonic()
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)


async def _protocol(url: str, pid: int, audio: bytes, seconds: int) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(_connect(url)) for _ in range(SOCKETS)]
        for socket in sockets:
            await _started(socket, interim_results=True)
        drains = [asyncio.ensure_future(_drain(socket)) for socket in sockets]
        await asyncio.gather(*(_stream(socket, audio, 2 * FRAMES_PER_S) for socket in sockets))
        before = [cpu_s(one) for one in (pid, *_children(pid))]
        began_s = time.monotonic()
        await asyncio.gather(*(_stream(socket, audio, seconds * FRAMES_PER_S) for socket in sockets))
        elapsed_s = time.monotonic() - began_s
        cores = [
            (cpu_s(one) - used_s) / elapsed_s
            for one, used_s in zip((pid, *_children(pid)), before, strict=False)
        ]
        for socket in sockets:
            await socket.send(b"")
        finals = sum(await asyncio.gather(*drains))
    return {
        "sockets": SOCKETS,
        "frames_per_s": FRAMES_PER_S,
        "kept_pace": round(seconds / elapsed_s, 3),
        "gateway_cores": round(cores[0], 3),
        "null_decoder_cores": round(sum(cores[1:]), 3),
        "finals": finals,
    }


async def _late(url: str, talk: Sequence[Spoken], seed: int) -> tuple[list[float], int]:
    """Speak utterances at the pace of speech; return how long after each one's end its final came."""
    random = np.random.default_rng(seed)
    parts: list[NDArray[np.int16]] = [pauses(RATE_HZ, random)]
    ends_s = []
    for utterance in talk:
        ends_s.append(sum(map(len, parts)) / RATE_HZ + utterance.speech_end_s)
        parts += [utterance.pcm, pauses(round(PAUSE_S * RATE_HZ), random)]
    audio = np.concatenate(parts)
    heard: list[tuple[float, float]] = []
    async with _connect(url) as socket:
        await _started(socket, interim_results=True, timestamps=True)
        began_s = time.monotonic()

        async def listen() -> None:
            while "state" not in (message := json.loads(await socket.recv())):
                for result in message["results"]:
                    if result["final"]:
                        last_s = result["alternatives"][0]["timestamps"][-1][2]
                        heard.append((time.monotonic() - began_s, last_s))

        listening = asyncio.ensure_future(listen())
        await _said(socket, audio)
        await socket.send(b"")
        await listening
    late_s = []
    for number, end_s in enumerate(ends_s):
        following_s = ends_s[number + 1] if number + 1 < len(ends_s) else float("inf")
        # The last final whose words end before the next utterance does is that of this one.
        mine = [at_s for at_s, last_s in heard if end_s - 1.0 <= last_s < min(end_s + 1.0, following_s)]
        if mine:
            late_s.append(mine[-1] - end_s)
    return late_s, len(ends_s) - len(late_s)


async def _said(socket: ClientConnection, pcm: NDArray[np.int16]) -> None:
    """Send samples at the pace of speech."""
    audio = pcm.astype("<i2").tobytes()
    began_s = time.monotonic()
    step = round(BLOCK_S * RATE_HZ) * 2
    for number, at in enumerate(range(0, len(audio), step)):
        ahead_s = began_s + (number + 1) * BLOCK_S - time.monotonic()
        if ahead_s > 0:
            await asyncio.sleep(ahead_s)
        await socket.send(audio[at : at + step])


async def _stopped(url: str, talk: Sequence[Spoken]) -> dict[str, Any]:
    """Speak long utterances without interim results, each a request; return how late after `stop` the answer is."""
    random = np.random.default_rng(5)
    late_s, lengths_s = [], []
    async with _connect(url) as socket:
        for first in range(0, len(talk) - JOINED + 1, JOINED):
            spoken = [one.pcm for one in talk[first : first + JOINED]]
            pcm = np.concatenate([pauses(RATE_HZ // 2, random), *spoken])
            await _started(socket)
            await _said(socket, pcm)
            stopped_s = time.monotonic()
            await socket.send(b"")
            await _drain(socket)
            late_s.append(time.monotonic() - stopped_s)
            lengths_s.append(len(pcm) / RATE_HZ)
    p50_s, p95_s = np.percentile(late_s[1:], [50, 95])  # before the first the processes load the model
    return {
        "requests": len(late_s) - 1,
        "mean_audio_s": round(float(np.mean(lengths_s)), 1),
        "p50_s": round(float(p50_s), 3),
        "p95_s": round(float(p95_s), 3),
    }


async def _latency(url: str, streams: int, talk: Sequence[Spoken]) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:  # every process has its model before the clock runs
        for _ in range(2):
            sockets = [await stack.enter_async_context(_connect(url)) for _ in range(4)]
            for socket in sockets:
                await _started(socket, interim_results=True)
                await socket.send(talk[0].pcm.astype("<i2").tobytes())
            for socket in sockets:
                await socket.send(b"")
            await asyncio.gather(*map(_drain, sockets))
    each = len(talk) // streams
    runs = [_late(url, talk[one * each : (one + 1) * each], one) for one in range(streams)]
    done = await asyncio.gather(*runs)
    late_s = sorted(one for run, _ in done for one in run)
    p50_s, p95_s = np.percentile(late_s, [50, 95])
    return {
        "streams": streams,
        "utterances": len(late_s),
        "without_words": sum(missing for _, missing in done),
        "p50_s": round(float(p50_s), 3),
        "p95_s": round(float(p95_s), 3),
        "p50_after_pause_s": round(float(p50_s) - 0.8, 3),
        "p95_after_pause_s": round(float(p95_s) - 0.8, 3),
    }


async def _many(url: str, pid: int, audio: bytes, seconds: int) -> dict[str, Any]:
    async with contextlib.AsyncExitStack() as stack:
        active = [await stack.enter_async_context(_connect(url)) for _ in range(SOCKETS)]
        for socket in active:
            await _started(socket, interim_results=True)
        drains = [asyncio.ensure_future(_drain(socket)) for socket in active]
        await asyncio.gather(*(_stream(socket, audio, 2 * FRAMES_PER_S) for socket in active))
        before = memory_bytes(pid, "VmRSS:")
        idle = await asyncio.gather(*(stack.enter_async_context(_connect(url)) for _ in range(IDLE_SOCKETS)))
        with_idle = memory_bytes(pid, "VmRSS:")
        levels = []
        for _ in range(4):
            await asyncio.gather(*(_stream(one, audio, seconds * FRAMES_PER_S // 4) for one in active))
            levels.append(round(memory_bytes(pid, "VmRSS:") / MIB, 1))
        for socket in active:
            await socket.send(b"")
        await asyncio.gather(*drains)
        alive = sum(socket.close_code is None for socket in idle)
    return {
        "active": SOCKETS,
        "idle": IDLE_SOCKETS,
        "idle_alive": alive,
        "rss_mib": round(before / MIB, 1),
        "kib_per_idle_socket": round((with_idle - before) / 1024 / IDLE_SOCKETS, 1),
        "rss_later_mib": levels,
    }


def measure(utterances: int, seconds: int, version: str, only: Sequence[str] = PARTS) -> dict[str, Any]:
    """Run what is asked for, the gateway in a process of its own.

    Raises:
        RecordingsUnavailable: AN4 is not beside the project.
    """
    talk = spoken(utterances)
    random = np.random.default_rng(0)
    loop = [part for one in talk for part in (one.pcm, pauses(RATE_HZ, random))]
    audio = np.concatenate(loop).astype("<i2").tobytes()
    figures: dict[str, Any] = {"version": version}
    if "protocol" in only:
        with _gateway("null", version) as (url, pid):
            figures["protocol"] = asyncio.run(_protocol(url, pid, audio, seconds))
    if "memory" in only:
        with _gateway("null", version) as (url, pid):
            figures["memory"] = asyncio.run(_many(url, pid, audio, 2 * seconds))
    if "latency" in only:
        with _gateway("engine", version) as (url, _):
            figures["latency"] = [asyncio.run(_latency(url, streams, talk)) for streams in (1, 4)]
            figures["without_interim"] = asyncio.run(_stopped(url, talk))
    return figures


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/websocket.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench websocket", description=__doc__)
    parser.add_argument("--utterances", type=int, default=24, help="spoken in all for each latency")
    parser.add_argument("--seconds", type=int, default=10, help="for which frames are sent")
    parser.add_argument("--version", default=NEWEST, help=f"of a base model at {RATE_HZ} Hz ({NEWEST})")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args(argv)
    try:
        figures = measure(options.utterances, options.seconds, options.version, options.only)
    except RecordingsUnavailable as reason:
        print(reason)
        return 1
    print(options.version)
    if "protocol" in figures:
        protocol = figures["protocol"]
        print(
            f"{SOCKETS} sockets, {FRAME_BYTES}-byte frames at {FRAMES_PER_S}/s, null engine: gateway "
            f"{protocol['gateway_cores']:.2f} cores, its null decoders {protocol['null_decoder_cores']:.2f}, "
            f"pace {protocol['kept_pace']:.2f}"
        )
    if "memory" in figures:
        memory = figures["memory"]
        print(
            f"{SOCKETS} active and {memory['idle_alive']} idle sockets: {memory['rss_mib']:.0f} MiB, "
            f"{memory['kib_per_idle_socket']:.0f} KiB for each idle one, then {memory['rss_later_mib']} MiB"
        )
    for row in figures.get("latency", ()):
        print(
            f"{row['streams']} streams at the pace of speech, {row['utterances']} utterances: final after the "
            f"end of speech p50 {row['p50_s']:.2f} s, p95 {row['p95_s']:.2f} s (0.8 s of it is the pause)"
        )
    if "without_interim" in figures:
        stopped = figures["without_interim"]
        print(
            f"without interim results, {stopped['requests']} requests of {stopped['mean_audio_s']} s at the pace "
            f"of speech, without a pause: answer after `stop` p50 {stopped['p50_s']:.2f} s, "
            f"p95 {stopped['p95_s']:.2f} s"
        )
    keep("websocket", kept("websocket") | figures | measured_here())
    return 0
