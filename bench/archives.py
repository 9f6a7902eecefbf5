"""Inspecting archives of 100 MB by itself: seconds, processor time and memory, each run in a fresh process."""

from __future__ import annotations

import argparse
import io
import multiprocessing
import resource
import statistics
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.figures import keep, measured_here
from bench.recordings import as_wav

ARCHIVE_BYTES = 100_000_000
MEMBER_S = 30
RATES_HZ = (16_000, 8_000)
ROUNDS = 3


def _member(number: int, rate_hz: int) -> bytes:
    """Hiss in bursts that rise and fall like syllables: packs to three quarters, much as speech does."""
    random = np.random.default_rng(number)
    envelope = np.sin(np.pi * 3 * np.arange(MEMBER_S * rate_hz) / rate_hz) ** 4
    loud = np.repeat(random.random(MEMBER_S) < 0.7, rate_hz)
    samples = random.normal(0, 2000, len(envelope)) * envelope * loud + random.normal(0, 20, len(envelope))
    return as_wav(samples.astype(np.int16), rate_hz)


def _members(rate_hz: int, file: io.BufferedWriter) -> Iterator[tuple[str, bytes]]:
    number = 0
    while file.tell() < ARCHIVE_BYTES:
        yield f"recordings/{number:04d}.wav", _member(number, rate_hz)
        number += 1


def make_zip(path: Path, rate_hz: int) -> None:
    """Write 100 MB of zip."""
    with (
        path.open("wb") as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive,
    ):
        for name, content in _members(rate_hz, file):
            archive.writestr(name, content)


def make_tar_gz(path: Path, rate_hz: int) -> None:
    """Write 100 MB of tar.gz."""
    with path.open("wb") as file, tarfile.open(fileobj=file, mode="w:gz", compresslevel=6) as archive:
        for name, content in _members(rate_hz, file):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def inspected(path: Path, content_type: str, rate_hz: int) -> dict[str, float]:
    """Inspect an archive in this process, which has done nothing else."""
    from chalicelib.audio.inspection import inspect

    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    found = inspect(path, content_type, None, min_rate_hz=rate_hz)
    if found.status != "ok":
        raise RuntimeError(f"the archive was refused: {found.error}")
    return {
        "wall_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000,
        "audio_minutes": found.duration_s / 60,
        "members": len(found.members),
    }


def measure(path: Path, content_type: str, rate_hz: int) -> dict[str, float]:
    """Return the medians over some runs, each in a fresh process, and the highest memory of all."""
    context = multiprocessing.get_context("spawn")
    runs = []
    for _ in range(ROUNDS):
        with context.Pool(1) as pool:
            runs.append(pool.apply(inspected, (path, content_type, rate_hz)))
    figures = {name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]}
    figures["peak_memory_mb"] = round(max(run["peak_memory_mb"] for run in runs))
    return figures | {"archive_mb": round(path.stat().st_size / 1e6, 1)}


def main(argv: Sequence[str]) -> int:
    """Measure zip and tar.gz of WAV; print and write `.attune/bench/archives.json`."""
    argparse.ArgumentParser(prog="python -m bench archives", description=__doc__).parse_args(argv)
    figures: dict[str, Any] = measured_here()
    with tempfile.TemporaryDirectory() as folder:
        for rate_hz in RATES_HZ:
            for kind, make, content_type in (
                ("zip", make_zip, "application/zip"),
                ("tar_gz", make_tar_gz, "application/gzip"),
            ):
                path = Path(folder, kind)
                make(path, rate_hz)
                name = f"{kind}_{rate_hz}_hz"
                figures[name] = measure(path, content_type, rate_hz)
                print(name, figures[name], flush=True)
    keep("archives", figures)
    return 0
