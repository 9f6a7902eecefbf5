"""Workers end with the job, however it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from training_image.container.workers import worker_processes
from training_image.failures import JobStopped

ROOT = Path(__file__).parents[3]
KILLED = """
import os, time
from training_image.container.workers import worker_processes
if __name__ == "__main__":
    with worker_processes(2) as workers:
        print(workers.submit(os.getpid).result(), flush=True)
        workers.submit(time.sleep, 600).result()
"""


def _is_running(process: int) -> bool:
    """Whether there is such a process; a zombie whose new parent has not looked yet is gone, too."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # It may end before the file is read, or while it is.
        return False
    return state != "Z"


def _wait_until_gone(process: int, within_s: float) -> None:
    deadline_s = time.monotonic() + within_s
    while _is_running(process):
        assert time.monotonic() < deadline_s, f"process {process} still runs"
        time.sleep(0.05)


def test_workers_work() -> None:
    with worker_processes(2) as workers:
        assert list(workers.map(abs, [-1, -2])) == [1, 2]
    assert multiprocessing.active_children() == []


def test_a_stop_ends_busy_workers_at_once() -> None:
    started_s = time.monotonic()
    with pytest.raises(JobStopped), worker_processes(1) as workers:
        worker = workers.submit(os.getpid).result()
        workers.submit(time.sleep, 600)
        raise JobStopped
    _wait_until_gone(worker, within_s=30)
    assert time.monotonic() - started_s < 120


def test_workers_do_not_outlive_a_killed_job(tmp_path: Path) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, env=environment) as job:
        assert job.stdout is not None
        worker = int(job.stdout.readline())
        job.send_signal(signal.SIGKILL)
        job.wait()
    _wait_until_gone(worker, within_s=30)
