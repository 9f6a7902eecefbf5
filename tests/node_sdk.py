"""IBM's SDK for Node, and OpenAI's, unmodified, for all tests that drive the service by them: `contract/node/`.

Where Node or the SDK cannot be had, these tests are skipped with the reason.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running_service import RunningService

ROOT = Path(__file__).parent.parent
SCENARIOS = Path(__file__).parent / "contract" / "node"
RunNode = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """Install the SDK once, into a folder that git ignores."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed here")
    folder = ROOT / ".attune" / "node-sdk"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (SCENARIOS / "package.json").read_text()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "installed.json"
        if not stamp.exists() or stamp.read_text() != wanted:
            (folder / "package.json").write_text(wanted)
            install = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]
            done = subprocess.run(
                install, cwd=folder, capture_output=True, text=True, timeout=300, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"IBM's SDK for Node cannot be had here: {done.stderr[-300:]}")
            stamp.write_text(wanted)
    return folder / "node_modules"


@pytest.fixture(scope="session")
def run_node(service: RunningService, node_modules: Path) -> RunNode:
    def run(scenario: str, *, tls: bool = False, url: str | None = None, **options: Any) -> dict[str, Any]:
        """Run a scenario, on the service unless a URL is given; return its `value` or its `error`."""
        done = subprocess.run(
            ["node", "--no-warnings", str(SCENARIOS / f"{scenario}.js")],
            env=os.environ
            | {
                "NODE_PATH": str(node_modules),
                "ATTUNE_URL": url or (service.tls_url if tls else service.url),
                "ATTUNE_KEY": service.key,
                # The certificate is the service's own, made at its first start.
                "NODE_TLS_REJECT_UNAUTHORIZED": "0",
            },
            input=json.dumps(options),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        outcome: dict[str, Any] = json.loads(done.stdout)
        return outcome

    return run
