"""Sentences of the documentation are short enough to be read once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MOST_WORDS = 30
"""Sentences have fewer."""
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )")
_CODE = re.compile(r"`[^`]+`")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_END = re.compile(r"(?<=[.!?])[\"”)*_]*\s+(?=[^a-z])")
_WORD = re.compile(r"\w[\w'’.,%/×-]*")


def sentences(page: str) -> list[str]:
    """Return the sentences of a page's prose: no code, tables or headings; a span of code is one word."""
    blocks = _BLOCK.split(_FENCE.sub("\n", page))
    prose = (block.strip() for block in blocks if not block.lstrip().startswith(("|", "#", "<")))
    return [
        sentence
        for block in prose
        for sentence in _END.split(" ".join(_LINK.sub(r"\1", _CODE.sub("Code", block)).split()))
        if sentence
    ]


def words(sentence: str) -> int:
    return len(_WORD.findall(sentence))


def test_sentences_are_told_apart_and_counted() -> None:
    page = "# Title\n\nOne `a b`, [two words](x.md).  Next\nline 0.5 %.\n- item\n\n| a. | b |\n\n```sh\nls\n```\n"
    assert sentences(page) == ["One Code, two words.", "Next line 0.5 %.", "- item"]
    assert [words(sentence) for sentence in sentences(page)] == [4, 3, 1]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sentences_are_short(page: Path) -> None:
    long = [one for one in sentences(page.read_text()) if words(one) >= MOST_WORDS]
    assert long == []
