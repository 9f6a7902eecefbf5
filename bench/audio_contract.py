"""Every format in every state on every interface: how many answers were compared, and how many differ."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import keep, measured_here
from tests.audio import contract


def main(argv: Sequence[str]) -> int:
    """Compare; print what differs and write `.attune/bench/audio_contract.json`."""
    argparse.ArgumentParser(prog="python -m bench audio_contract", description=__doc__).parse_args(argv)
    figures: dict[str, Any] = measured_here()
    compared, recordings, different = 0, 0, []
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for form in contract.forms():
            for name, given in contract.states(form):
                answers, found = contract.differences(name, given, Path(folder), form)
                compared, recordings = compared + answers, recordings + 1
                different += found
                print("\n".join(found) or f"{form.name}, {name}: the same", flush=True)
    figures |= {
        "formats": len(contract.forms()),
        "recordings": recordings,
        "compared": compared,
        "differences": len(different),
        "seconds": round(time.monotonic() - began_s, 1),
    }
    print(figures)
    keep("audio_contract", figures)
    return 1 if different else 0
