"""The figures of a bench, kept in `.attune/bench/NAME.json` with when and where they were measured."""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent


def measured_here() -> dict[str, Any]:
    """Return what figures depend on beside the code: date, cores and Python."""
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def kept(name: str) -> dict[str, Any]:
    """Return what a bench has kept before; nothing at first."""
    path = _path(name)
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def keep(name: str, figures: dict[str, Any]) -> None:
    """Keep the figures of a bench in place of its earlier ones."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures, indent=2) + "\n")


def _path(name: str) -> Path:
    return ROOT / ".attune" / "bench" / f"{name}.json"
