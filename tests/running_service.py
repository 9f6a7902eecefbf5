"""One running service for all tests that need a whole one, with everything it needs and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port

ROOT = Path(__file__).parent.parent
START_TIMEOUT_S = 180.0


@dataclass(frozen=True)
class RunningService:
    """Where it is and how to get in."""

    url: str
    tls_url: str
    key: str
    home: Path
    process: subprocess.Popen[bytes]


def start_service(home: Path) -> RunningService:
    """Start it as `make run` does; it makes its own key, which lies where the documentation says."""
    port, tls_port = free_port(), free_port()
    outside = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ATTUNE_"))}
    environment = outside | {
        "PORT": str(port),
        "TLS_PORT": str(tls_port),
        "ATTUNE_HOME": str(home),
        "ATTUNE_CALLBACK_ALLOW_PRIVATE": "true",
        # Custom acoustic models are made on the engine that learns in a minute.
        "ATTUNE_ADAPTED_ENGINES": "sphinx",
    }
    log = home.parent / f"{home.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10):
                return RunningService(
                    f"http://127.0.0.1:{port}",
                    f"https://127.0.0.1:{tls_port}",
                    (home / "api-key").read_text().strip(),
                    home,
                    process,
                )
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    process.kill()
    process.wait()
    raise AssertionError(f"the service did not start; it said:\n{log.read_text(errors='replace')[-4000:]}")


def stop_service(service: RunningService) -> None:
    service.process.send_signal(signal.SIGTERM)
    try:
        assert service.process.wait(120) == 0
    except subprocess.TimeoutExpired:
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
        raise AssertionError("the service did not end within 120 s of SIGTERM") from None


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    running = start_service(tmp_path_factory.mktemp("service") / "home")
    yield running
    stop_service(running)
