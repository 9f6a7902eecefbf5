"""Every call of the service stands in a table of the documentation, with its method and path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from chalicelib.api.descriptions.document import operations

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs").glob("*.md"))
_CELL = re.compile(r"^\| (`[^|]+) \|", re.MULTILINE)
_CALL = re.compile(r"`(?:(GET|POST|PUT|DELETE) )?([/…][^`\s]*)")


def calls(page: str) -> Iterator[tuple[str, str]]:
    """Yield the calls that the first cells of a page's tables name, as method and path.

    `…` before a path stands for any beginning, `…` alone for the path before it. A path without a method has
    the one before it.
    """
    for cell in _CELL.findall(page):
        method, path = "", ""
        for own, shown in _CALL.findall(cell):
            method = own or method
            path = path if shown == "…" else shown.partition("?")[0].removeprefix("/v1")
            yield method, path


def test_short_forms_are_read() -> None:
    table = (
        "| `GET /v1/cups?size=`, `GET /v1/cups/{cup_id}`, `…/handle`; `DELETE …` | 200 | a `POST /cup` |\n"
    )
    assert list(calls(table)) == [
        ("GET", "/cups"),
        ("GET", "/cups/{cup_id}"),
        ("GET", "…/handle"),
        ("DELETE", "…/handle"),
    ]


def test_every_call_is_told() -> None:
    told = {call for page in PAGES for call in calls(page.read_text())}
    unsaid = [
        f"{method} {path}"
        for method, path in operations()
        if not any(
            method == one and (path == shown or (shown[0] == "…" and path.endswith(shown[1:])))
            for one, shown in told
        )
    ]
    assert not unsaid, f"give each of these a row in the table of calls in docs/api.md: {', '.join(unsaid)}"
