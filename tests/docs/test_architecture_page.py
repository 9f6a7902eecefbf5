"""The page about the architecture has every queue and every function that events wake up."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from infra import resources

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "internals" / "architecture.md").read_text()
_ROW = re.compile(r"^\| (.+) \| .+ \| `app\.(\w+)` \|$", re.MULTILINE)


def test_the_table_of_events_is_whole() -> None:
    rows = dict(_ROW.findall(PAGE))
    tree = ast.parse((ROOT / "app.py").read_text())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}
    told = "each event has a row in the table of events in docs/internals/architecture.md"
    assert functions - {"recognize"} == set(rows.values()), told
    queues = {queue.name for queue in resources.load().queues if queue.dead_letter_queue}
    assert queues == set(re.findall(r"`(attune-[\w-]+)`", " ".join(rows))), told
