"""The page about engines says of each feature what the code says."""

from __future__ import annotations

import dataclasses
import re

from chalicelib.engines.features import ENGINE_FEATURES, Features
from tests.running_service import ROOT

PAGE = (ROOT / "docs" / "engines.md").read_text()
ROW = re.compile(r"^\| [^|]+ \| `(\w+)` \| ((?:yes|no)(?: \| (?:yes|no))*) \|$", re.MULTILINE)
HEAD = re.compile(r"^\| what \| name \| (`\w+`(?: \| `\w+`)*) \|$", re.MULTILINE)


def test_the_table_is_that_of_the_code() -> None:
    head = HEAD.search(PAGE)
    assert head is not None
    engines = head[1].replace("`", "").split(" | ")
    shown = {name: dict(zip(engines, said.split(" | "), strict=True)) for name, said in ROW.findall(PAGE)}
    assert set(engines) == ENGINE_FEATURES.keys(), "each engine has a column in docs/engines.md"
    assert shown == {
        name: {
            engine: "yes" if getattr(features, name) else "no" for engine, features in ENGINE_FEATURES.items()
        }
        for name in (field.name for field in dataclasses.fields(Features))
    }
