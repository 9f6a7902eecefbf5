"""What opening the console costs: bytes over the network, and the time until its largest part is painted."""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.figures import keep, measured_here
from infra.local.demo.__main__ import service
from tests.console import browser

_PLAIN_URL = re.compile(r"HTTP +(http://\S+)")
_PAINTED_MS = """new Promise((done) => new PerformanceObserver((list) =>
    done(list.getEntries().at(-1).startTime)).observe({type: "largest-contentful-paint", buffered: true}))"""
_SETTLE_S = 0.5


def opened(devtools: str, url: str, key: str) -> dict[str, float]:
    """Open the console in a browser that has nothing of it yet, and sign in; returns the figures."""
    with browser.tab(devtools) as page:
        page.look(1280)
        page.go(f"{url}/console")
        page.see("API key")
        time.sleep(_SETTLE_S)
        painted_s = page.run(_PAINTED_MS) / 1000
        page.run("document.getElementById('key').focus()")
        page.type(key)
        page.press("Enter", 13, "\r")
        page.see("Make your first model")
        page.see("en-US_NarrowbandModel")
        return {"largest_contentful_paint_s": round(painted_s, 3), "bytes": page.transferred_bytes()}


def measure(times: int) -> dict[str, Any] | None:
    """Open it several times; None where Chromium is not installed."""
    if browser.program() is None:
        print("Chromium is not installed here (Debian: apt-get install chromium)")
        return None
    with tempfile.TemporaryDirectory() as folder, service(Path(folder, "home")) as (_, key):
        url = _PLAIN_URL.findall(Path(folder, "home", "service.log").read_text())[0]
        with browser.browser(Path(folder, "browser")) as devtools:
            runs = [opened(devtools, url, key) for _ in range(times)]
    painted_s = [one["largest_contentful_paint_s"] for one in runs]
    return {
        "times": times,
        "bytes_before_first_use": max(one["bytes"] for one in runs),
        "largest_contentful_paint_s": {"median": median(painted_s), "most": max(painted_s)},
    }


def main(argv: Sequence[str]) -> int:
    """Print the figures and keep them in `.attune/bench/console.json`."""
    parser = argparse.ArgumentParser(prog="python -m bench console", description=__doc__)
    parser.add_argument("--times", type=int, default=9, help="that it is opened (9)")
    figures = measure(parser.parse_args(argv).times)
    if figures is None:
        return 0
    print(json.dumps(figures, indent=2))
    keep("console", figures | measured_here())
    return 0
