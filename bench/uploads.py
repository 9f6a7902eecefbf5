"""From the upload of a 100 MB archive being acknowledged to its audio being `ok`, on the running service."""

from __future__ import annotations

import argparse
import io
import os
import statistics
import tarfile
import tempfile
import threading
import time
import wave
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import requests

from bench.figures import keep, measured_here
from infra.local.demo.__main__ import service

ARCHIVE_BYTES = 100_000_000
MEMBER_S = 30
RATE_HZ = 16_000
ROUNDS = 3


def _member(seed: int) -> bytes:
    samples = np.random.default_rng(seed).normal(0, 3000, MEMBER_S * RATE_HZ).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE_HZ)
        out.writeframes(samples.tobytes())
    return buffer.getvalue()


def _members() -> Iterator[tuple[str, bytes]]:
    size_bytes = 0
    for number in range(10_000):
        data = _member(number)
        size_bytes += len(data)
        if size_bytes > ARCHIVE_BYTES:
            return
        yield f"recordings/{number:03d}.wav", data


def make_zip() -> bytes:
    """Return close to 100 MB of WAV in a zip; noise does not compress, so the archive is as large as its content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in _members():
            archive.writestr(name, data)
    return buffer.getvalue()


def make_tar_gz() -> bytes:
    """Return the same recordings as a tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for name, data in _members():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def _children(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*"):
        for child in (task / "children").read_text().split():
            found += _children(int(child))
    return found


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def peak_memory() -> Iterator[dict[str, int]]:
    """Watch every process of the service; the largest growth of a single one is what a function must hold."""
    peaks = {"process_bytes": 0, "process_growth_bytes": 0}
    first: dict[int, int] = {}
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            for pid in _children(os.getpid()):
                if pid == os.getpid():
                    continue
                try:
                    resident = _resident_bytes(pid)
                except (FileNotFoundError, ProcessLookupError):
                    continue
                first.setdefault(pid, resident)
                peaks["process_bytes"] = max(peaks["process_bytes"], resident)
                peaks["process_growth_bytes"] = max(peaks["process_growth_bytes"], resident - first[pid])

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        stop.set()
        watcher.join()


def measure(url: str, key: str, make: Callable[[], bytes], content_type: str) -> dict[str, Any]:
    """Upload the same archive several times; the median of the times from the 201 to `ok`."""
    session = requests.Session()
    session.auth = ("apikey", key)
    session.verify = False
    session.trust_env = False  # else a bundle named in the environment would be believed instead
    body = {"name": "bench", "base_model_name": "en-US_BroadbandModel"}
    model = session.post(f"{url}/v1/acoustic_customizations", json=body, timeout=60).json()[
        "customization_id"
    ]
    audio = f"{url}/v1/acoustic_customizations/{model}/audio"
    data = make()
    uploads_s, analyses_s = [], []
    for number in range(ROUNDS + 1):  # the first one warms up
        started = time.monotonic()
        answer = session.post(
            f"{audio}/round{number}", data=data, headers={"Content-Type": content_type}, timeout=300
        )
        answer.raise_for_status()
        acknowledged = time.monotonic()
        while True:
            container = session.get(f"{audio}/round{number}", timeout=60).json()["container"]
            if container["status"] != "being_processed":
                break
            time.sleep(0.05)
        if container["status"] != "ok":
            raise RuntimeError(f"the archive was refused: {container}")
        if number:
            uploads_s.append(acknowledged - started)
            analyses_s.append(time.monotonic() - acknowledged)
    session.delete(f"{url}/v1/acoustic_customizations/{model}", timeout=60)
    return {
        "archive_bytes": len(data),
        "upload_s": round(statistics.median(uploads_s), 2),
        "acknowledged_to_ok_s": round(statistics.median(analyses_s), 2),
        "audio_minutes": round(container["duration"] / 60, 1),
    }


def main(argv: Sequence[str]) -> int:
    """Measure zip and tar.gz; print and write `.attune/bench/uploads.json`."""
    argparse.ArgumentParser(prog="python -m bench uploads", description=__doc__).parse_args(argv)
    requests.packages.urllib3.disable_warnings()  # type: ignore[attr-defined]  # the certificate is our own
    figures: dict[str, Any] = measured_here()
    with (
        tempfile.TemporaryDirectory() as folder,
        service(Path(folder) / "home") as (url, key),
        peak_memory() as peaks,
    ):
        for name, make, content_type in (
            ("zip", make_zip, "application/zip"),
            ("tar_gz", make_tar_gz, "application/gzip"),
        ):
            figures[name] = measure(url, key, make, content_type)
            print(name, figures[name], flush=True)
    figures["memory"] = {name: f"{value / 1e6:.0f} MB" for name, value in peaks.items()}
    print(figures["memory"])
    keep("uploads", figures)
    return 0
