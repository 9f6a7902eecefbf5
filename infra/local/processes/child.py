"""Child processes that cannot outlive the service, whichever way it ends."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

MARK = "ATTUNE_SERVICE_MARK"
"""Environment variable that every process of one service has; its value names the service's home."""
_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
ROOT = Path(__file__).parent.parent.parent.parent


def begin(name: str) -> None:
    """Set a child process up: end with its parent, log to standard error, leave Ctrl-C to the parent.

    The parent's death between fork and here is noticed by the environment variable that it left.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if str(os.getppid()) != os.environ.get("ATTUNE_PARENT", str(os.getppid())):
        sys.exit("the service has ended")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s {name} %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
        force=True,  # a forked process has its parent's
    )
    for noisy in ("botocore", "pynamodb", "sqs", "dynamodb", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def rename(name: str) -> None:
    """Have `ps` and `top` show a forked process by another name; they show 15 characters of it."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode())


def start(
    module: str,
    arguments: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    descriptors: Sequence[int] = (),
    *,
    new_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start `python -m module` with its output appended to `log` and the given descriptors kept open."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environment, "ATTUNE_PARENT": str(os.getpid())},
            cwd=ROOT,
            pass_fds=descriptors,
            start_new_session=new_session,
        )


def marked(mark: str) -> Iterator[int]:
    """Yield the ids of all other processes that carry the mark: children of any depth."""
    wanted = f"{MARK}={mark}".encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            # Processes come and go, and those of other users cannot be read: neither is ours.
            with contextlib.suppress(OSError):
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    yield int(entry.name)


def sweep(mark: str, timeout_s: float = 5.0) -> int:
    """Kill every process that carries the mark and return how many there were."""
    killed: set[int] = set()
    until = time.monotonic() + timeout_s
    while time.monotonic() < until:
        alive = [pid for pid in marked(mark) if not _is_zombie(pid)]
        if not alive:
            break
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        killed.update(alive)
        time.sleep(0.02)
    return len(killed)


def _is_zombie(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"
