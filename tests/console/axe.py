"""axe-core, which finds barriers in pages: contrast, names, roles, order of headings, and some ninety rules more."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.console.browser import Page
from tests.running_service import ROOT

_WANTED = Path(__file__).parent / "package.json"
_INSTALL = ("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
_RUN = """axe.run(document, {resultTypes: ["violations"]}).then((found) => found.violations.flatMap(
    (rule) => rule.nodes.map((node) => `${rule.id}: ${node.html.slice(0, 200)}: ${node.failureSummary}`)))"""


def script() -> str:
    """Return axe's program, installed once into a folder that git ignores; without npm the test is skipped."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed here, which brings axe-core")
    folder = ROOT / ".attune" / "axe"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = _WANTED.read_text()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "installed.json"
        if not stamp.exists() or stamp.read_text() != wanted:
            (folder / "package.json").write_text(wanted)
            done = subprocess.run(
                _INSTALL, cwd=folder, capture_output=True, text=True, timeout=300, check=False
            )
            if done.returncode != 0:
                pytest.skip(f"axe-core cannot be had here: {done.stderr[-300:]}")
            stamp.write_text(wanted)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def barriers(page: Page, axe: str) -> list[str]:
    """Return what axe finds in the page as it is: the rule, the element, and what is wrong with it."""
    if not page.run("'axe' in window"):
        page.run(axe + "; 0")
    found: list[str] = page.run(_RUN)
    return found
