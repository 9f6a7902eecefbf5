"""An AWS account on this machine: ministack with its roles enforced, and SageMaker's training jobs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.running_service import ROOT

ACCOUNT = "000000000000"
REGION = "us-east-1"
KEY = "testing"
EMULATION = Path(sys.prefix) / "emulation"
"""What the emulation needs beside the environment (`requirements/emulation.txt`)."""
_SAGEMAKER = """
from infra.local.sagemaker import emulator as sagemaker_emulator
sagemaker_emulator.Admitted = lambda application, access_key: application
sagemaker_emulator.main()
"""
"""It admits one key; here each role has its own, which the account makes up anew."""
_START_S = 180.0


@dataclass(frozen=True)
class EmulatedAccount:
    """Where the emulations answer."""

    url: str
    sagemaker_url: str
    log: Path

    @property
    def denials(self) -> list[str]:
        """What roles did not grant, as the functions' log has it."""
        marker = "is not authorized to perform: "
        lines = self.log.read_text(errors="replace").splitlines()
        return sorted({line.partition(marker)[2][:200] for line in lines if marker in line})


def environment() -> dict[str, str]:
    """Return the variables of a process that is at home in the account, without what belongs to the tests."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ATTUNE_"))}
    return outside | {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@contextlib.contextmanager
def _started(command: list[str], log: Path, *, passed: tuple[int, ...] = (), **more: str) -> Iterator[None]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment() | more,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=passed,
            start_new_session=True,
        )
    try:
        yield
    finally:
        # The functions' processes are in its group.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(url: str, log: Path) -> None:
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.1)
    raise AssertionError(
        f"nothing answers at {url}; the log says:\n{log.read_text(errors='replace')[-4000:]}"
    )


@contextlib.contextmanager
def running(folder: Path) -> Iterator[EmulatedAccount]:
    """Run an empty account until the block ends; its files lie in a folder.

    Where what it needs is not installed, the test is skipped.
    """
    if not (EMULATION / "samtranslator").is_dir():
        pytest.skip(f"{EMULATION} has no SAM translator; `make test` installs it")
    port = free_port()
    url, log = f"http://127.0.0.1:{port}", folder / "account.log"
    listener = socket.create_server(("127.0.0.1", 0))
    sagemaker = f"http://127.0.0.1:{listener.getsockname()[1]}"
    scratch = folder / "scratch"
    scratch.mkdir()
    account = _started(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "hypercorn",
            "ministack.app:app",
            "--bind",
            f"127.0.0.1:{port}",
        ],
        log,
        AUTH="true",
        GATEWAY_PORT=str(port),
        MINISTACK_HOST="127.0.0.1",
        TMPDIR=str(scratch),
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONPATH=str(EMULATION),
    )
    training = _started(
        [
            sys.executable,
            "-c",
            _SAGEMAKER,
            str(folder / "jobs"),
            str(listener.fileno()),
        ],
        folder / "training.log",
        passed=(listener.fileno(),),
        AWS_ENDPOINT_URL=url,
        ATTUNE_TRAINING_QUEUE="attune-test-training-changed",
        ATTUNE_PARENT=str(os.getpid()),
    )
    with account:
        _wait_for(f"{url}/_ministack/health", log)
        with training:
            yield EmulatedAccount(url, sagemaker, log)
    listener.close()
