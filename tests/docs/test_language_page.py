"""The page about language models says how texts are read as the code reads them."""

from __future__ import annotations

import re

import pytest

from chalicelib.language.spoken.spoken_forms import spoken
from tests.running_service import ROOT

PAGE = (ROOT / "docs" / "language.md").read_text()
TABLE = PAGE.partition("| written | said |")[2].partition("\n\n")[0]
ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \|$", re.MULTILINE)


@pytest.mark.parametrize(("written", "said"), ROW.findall(TABLE))
def test_text_is_read_as_shown(written: str, said: str) -> None:
    assert spoken(written).split() == said.split()


def test_the_table_is_read() -> None:
    assert len(ROW.findall(TABLE)) > 15
