"""What the whole service takes of memory while it idles, process by process, and how long it takes to start."""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.figures import ROOT, keep, measured_here
from bench.gateway import _free_port
from bench.recordings import as_wav
from infra.local.processes import child

MIB = 1024
"""Of the kibibytes in which Linux counts."""
STARTS = 3
MODEL = "en-US_BroadbandModel"
RATE_HZ = 16_000
_SETTLED_S = 2.0


@dataclass(frozen=True)
class Process:
    """One process's memory, in MiB: resident, and its share of what it shares with others."""

    name: str
    pss_mib: float
    rss_mib: float


def processes(service: subprocess.Popen[bytes], home: Path) -> list[Process]:
    """Return the processes of a service, the largest first."""
    found = []
    for process_id in (service.pid, *child.marked(str(home.resolve()))):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            lines = Path(f"/proc/{process_id}/smaps_rollup").read_text().splitlines()[1:]
            size_kib = {line.split()[0]: int(line.split()[1]) for line in lines}
            found.append(Process(_name(process_id), size_kib["Pss:"] / MIB, size_kib["Rss:"] / MIB))
    return sorted(found, key=lambda process: -process.pss_mib)


def _name(process_id: int) -> str:
    """Return the module that a process runs, or what a forked one calls itself."""
    own = Path(f"/proc/{process_id}/comm").read_text().strip()
    if not own.startswith("python"):
        return own
    words = Path(f"/proc/{process_id}/cmdline").read_bytes().decode().split("\0")
    return words[words.index("-m") + 1] if "-m" in words else own


@contextlib.contextmanager
def running(home: Path, root: Path = ROOT) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    """Run the service of a checkout as `make run` does; give process, address and seconds to the banner."""
    port = _free_port()
    variables = {
        "PORT": str(port),
        "TLS_PORT": str(_free_port()),
        "ATTUNE_HOME": str(home),
        "PYTHONPATH": str(root),
    }
    began_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local"], cwd=root, env=os.environ | variables, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if b"is ready" in line:
                break
        else:
            raise RuntimeError(f"the service did not start; it ended with status {process.wait()}")
        yield process, f"http://127.0.0.1:{port}", time.monotonic() - began_s
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def syllables() -> NDArray[np.int16]:
    """Return two seconds that pass for speech: harmonics of a voice, four times a second."""
    at_s = np.arange(2 * RATE_HZ) / RATE_HZ
    harmonics = sum(np.sin(2 * np.pi * 130 * number * at_s) / number for number in range(1, 25))
    return np.asarray(6000 * harmonics * np.sin(np.pi * 4 * at_s) ** 2, np.int16)


def recognize(url: str, key: str) -> float:
    """Have something recognised; return how long the answer took, in seconds."""
    login = "Basic " + base64.b64encode(f"apikey:{key}".encode()).decode()
    headers = {"Authorization": login, "Content-Type": "audio/wav"}
    request = urllib.request.Request(
        f"{url}/v1/recognize?model={MODEL}", as_wav(syllables(), RATE_HZ), headers
    )
    began_s = time.monotonic()
    with urllib.request.urlopen(request, timeout=300) as answer:
        json.load(answer)
    return time.monotonic() - began_s


def measure(idle_s: float) -> dict[str, Any]:
    """Start the service several times on one home; look at the last, idle and after a recognition."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        starts_s = []
        for _ in range(STARTS):
            with running(home) as (_, _, ready_s):
                starts_s.append(ready_s)
        with running(home) as (service, url, ready_s):
            starts_s.append(ready_s)
            time.sleep(idle_s)
            idle = processes(service, home)
            first_s = recognize(url, (home / "api-key").read_text().strip())
            time.sleep(_SETTLED_S)
            recognised = processes(service, home)
    return {
        "first_start_s": round(starts_s[0], 2),
        "later_starts_s": [round(start_s, 2) for start_s in starts_s[1:]],
        "first_recognition_s": round(first_s, 2),
        "idle_s": idle_s,
        "idle": _figures(idle),
        "after_a_recognition": _figures(recognised),
    }


def _figures(found: Sequence[Process]) -> dict[str, Any]:
    return {
        "pss_mib": round(sum(process.pss_mib for process in found), 1),
        "rss_mib": round(sum(process.rss_mib for process in found), 1),
        "processes": [
            {"name": one.name, "pss_mib": round(one.pss_mib, 1), "rss_mib": round(one.rss_mib, 1)}
            for one in found
        ],
    }


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/memory.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench memory", description=__doc__)
    parser.add_argument("--idle-s", type=float, default=60.0, help="seconds before memory is looked at")
    figures = measure(parser.parse_args(argv).idle_s)
    print(
        f"ready after {figures['first_start_s']:.2f} s the first time, later after "
        f"{', '.join(f'{start_s:.2f}' for start_s in figures['later_starts_s'])} s; "
        f"the first recognition took {figures['first_recognition_s']:.2f} s"
    )
    for title, state in (("idle", "idle"), ("after a recognition", "after_a_recognition")):
        print(f"{title:40} PSS MiB  RSS MiB")
        for row in (*figures[state]["processes"], {"name": "all", **figures[state]}):
            print(f"  {row['name']:38} {row['pss_mib']:7.1f} {row['rss_mib']:8.1f}")
    keep("memory", figures | measured_here())
    return 0
