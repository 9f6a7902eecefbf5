"""Links between the pages lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.M | re.S)
_HEADING = re.compile(r"^#+ (.+)$", re.M)


@cache
def _anchors(page: Path) -> set[str]:
    """Return what a page's headings can be named by, as GitHub does it."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text()))
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), f"{link}: there is no such heading"


@pytest.mark.parametrize("folder", ["docs", "docs/internals", "docs/history"])
def test_the_first_page_of_a_folder_leads_to_every_other(folder: str) -> None:
    first = (ROOT / folder / "README.md").read_text()
    if folder == "docs":
        first += (ROOT / "README.md").read_text()
    for page in (ROOT / folder).glob("*.md"):
        if page.name != "README.md":
            assert f"{page.name})" in first or f"{page.name}#" in first, page.name
