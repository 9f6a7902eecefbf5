"""A table for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def lines(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Return the lines of a table whose columns are as wide as what is in them.

    Args:
        head: the names of the columns.
        rows: a text for each column.
        right: numbers of the columns that are aligned at the right.
    """
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    return [
        "  ".join(
            text.rjust(width) if column in right else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]


def dollars(usd: float | None) -> str:
    """Return an amount, or a dash where it is not known."""
    return "–" if usd is None else f"{usd:.2f}"
