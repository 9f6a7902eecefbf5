"""What a custom acoustic model on the network costs a decoding process beside its base: seconds and memory."""

from __future__ import annotations

import argparse
import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.figures import ROOT, keep, measured_here
from chalicelib.engines import adapted_model
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.protocol import BASE_ALONE, CustomModels
from chalicelib.engines.whisper.engine import WhisperEngine
from chalicelib.engines.whisper.model.low_rank import FILE_NAME, delta_bytes
from chalicelib.engines.whisper.model.short_window import short_window
from chalicelib.engines.whisper.model.weights import MODEL_SHA256
from chalicelib.recognition.decoding.decoding_processes import environment

VERSION = BASE_MODELS["en-US_BroadbandModel"].newest_version
RATE_HZ = 16_000
CLIP_S = 3
PROCESSES = 5
ADAPTED_PER_PROCESS = 3
MIB = 1024
"""Of the kibibytes in which Linux counts."""


def clip() -> NDArray[np.float32]:
    """Return what passes for speech: harmonics of a voice, four times a second."""
    at_s = np.arange(CLIP_S * RATE_HZ) / RATE_HZ
    harmonics = sum(np.sin(2 * np.pi * 130 * number * at_s) / number for number in range(1, 25))
    return np.asarray(0.2 * harmonics * np.sin(np.pi * 4 * at_s) ** 2, np.float32)


def written_model(folder: Path, seed: int) -> Path:
    """Write an adapted model with a change of every linear layer, of rank 16, that no other seed gives."""
    chance = np.random.default_rng(seed)
    base = short_window()
    changes = [
        replace(change, up=0.3 * change.up + chance.normal(0, 1e-4, change.up.shape))
        for change in base.changes
    ]
    files = {FILE_NAME: delta_bytes(MODEL_SHA256, changes, [base.sha256])}
    about = adapted_model.manifest("whisper", VERSION, files)
    members = {
        **files,
        "manifest.json": json.dumps(about).encode(),
        "report.json": b'{"decision": "adapted"}',
    }
    path = folder / f"{seed}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _memory_kib() -> tuple[int, int]:
    """Return what this process takes now, and the most that it ever took."""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith("Vm")}
    return int(found["VmRSS"]), int(found["VmHWM"])


def measured(models: Sequence[Path]) -> list[dict[str, float]]:
    """Load the base, then adapted models, and recognise the clip with each, in this process."""
    engine, samples, kept, rows = WhisperEngine(), clip(), [], []
    for custom in (BASE_ALONE, *map(CustomModels, models)):
        before_kib, _ = _memory_kib()
        began_s, began_processor_s = time.perf_counter(), time.process_time()
        recognizer = engine.load(VERSION, custom)
        loaded_s = time.perf_counter()
        recognizer.recognize(samples)
        ended_s, ended_processor_s = time.perf_counter(), time.process_time()
        kept.append(recognizer)
        now_kib, most_kib = _memory_kib()
        rows.append(
            {
                "load_s": loaded_s - began_s,
                "load_and_recognise_s": ended_s - began_s,
                "processor_s": ended_processor_s - began_processor_s,
                "memory_mib": (now_kib - before_kib) / MIB,
                "above_at_most_mib": (most_kib - now_kib) / MIB,
                "counted_as_mib": recognizer.size_bytes / MIB / MIB,
            }
        )
    return rows


def _median(rows: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(row[name] for row in rows), 3) for name in rows[0]}


def measure(processes: int) -> dict[str, Any]:
    """Let some processes, one after the other, do what a decoding process does; return medians."""
    with tempfile.TemporaryDirectory() as folder:
        models = [str(written_model(Path(folder), seed)) for seed in range(ADAPTED_PER_PROCESS)]
        command = [sys.executable, "-m", "bench.adapted_network", "--here", *models]
        runs = []
        for number in range(processes + 1):
            done = subprocess.run(
                command, cwd=ROOT, env=environment(), check=True, capture_output=True, text=True
            )
            if number:  # the first one finds nothing in the file cache
                runs.append(json.loads(done.stdout))
    base = _median([run[0] for run in runs])
    adapted = _median([row for run in runs for row in run[1:]])
    more = {
        f"more_{name}": round(adapted[name] - base[name], 3)
        for name in ("load_and_recognise_s", "processor_s")
    }
    return {"base": base, "adapted": adapted, **more, "clip_s": CLIP_S}


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/adapted_network.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench adapted_network", description=__doc__)
    parser.add_argument("--processes", type=int, default=PROCESSES, help="of which medians are taken")
    parser.add_argument("--here", type=Path, nargs="+", help=argparse.SUPPRESS)
    chosen = parser.parse_args(argv)
    if chosen.here:
        print(json.dumps(measured(chosen.here)))
        return 0
    figures = measure(chosen.processes)
    print(f"{'':10} load s  with a clip of {CLIP_S} s  of the processor  memory MiB  counted as")
    for name in ("base", "adapted"):
        row = figures[name]
        print(
            f"{name:10} {row['load_s']:6.3f} {row['load_and_recognise_s']:19.3f} {row['processor_s']:17.3f}"
            f" {row['memory_mib']:11.1f} {row['counted_as_mib']:11.1f}"
        )
    print(
        f"a second network of the same base: {figures['more_load_and_recognise_s']:+.3f} s "
        f"({figures['more_processor_s']:+.3f} s of the processor), {figures['adapted']['memory_mib']:+.1f} MiB"
    )
    keep("adapted_network", figures | measured_here())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
