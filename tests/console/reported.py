"""Custom models of a running service with a report, as a training would have left it.

As a program it joins the service of a folder; the report comes from its input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AcousticModel
from infra.local import joining
from infra.local.home import Home
from tests.running_service import ROOT, RunningService

_RUN = 1


def leave_report(service: RunningService, customization_id: str, report: Mapping[str, Any]) -> None:
    """Let a model have a report of its first run."""
    owner = (service.home / "owner").read_text()
    command = [sys.executable, "-m", "tests.console.reported", str(service.home), owner, customization_id]
    subprocess.run(command, cwd=ROOT, input=json.dumps(report), text=True, check=True, timeout=60)


def _main(home: str, owner: str, customization_id: str) -> None:
    joining.join(Home(Path(home)))
    objects.put(
        layout.report_key(owner, customization_id, _RUN), sys.stdin.read().encode(), "application/json"
    )
    model = AcousticModel.get(owner, customization_id, consistent_read=True)
    model.update(actions=[AcousticModel.reported_run.set(_RUN)])


if __name__ == "__main__":
    _main(*sys.argv[1:])
