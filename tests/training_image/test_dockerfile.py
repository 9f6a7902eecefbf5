"""The container holds all that its program imports."""

from __future__ import annotations

from pathlib import Path

from tests.containers import ROOT, lay_out, runs

_IMPORT_ALL = """
import importlib, os, pkgutil, chalicelib, training_image
assert chalicelib.__file__.startswith(os.getcwd()), chalicelib.__file__
for module in pkgutil.walk_packages(training_image.__path__, "training_image."):
    if module.name not in %r:
        importlib.import_module(module.name)
"""
# Run by hand, with the packages of requirements/fitting.txt; no training job imports them.
_BY_HAND = ("training_image.whisper.fit_short_window", "training_image.whisper.weights")


def test_the_container_holds_what_its_program_imports(tmp_path: Path) -> None:
    lay_out(ROOT / "training_image/Dockerfile", tmp_path)
    done = runs(tmp_path, _IMPORT_ALL % (_BY_HAND,))
    assert done.returncode == 0, done.stderr
