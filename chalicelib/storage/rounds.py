"""Rows of all owners, looked through again and again: a small table whole, a large one by turns."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import TypeVar

from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

ROWS_AT_ONCE = 20_000
"""About so many rows are read each time; the whole table then comes round in rows / ROWS_AT_ONCE times."""

Row = TypeVar("Row", bound=Model)


def this_round(table: type[Row], wanted: Condition, every_s: float) -> Iterator[Row]:
    """Yield the rows that meet a condition, of all rows or of the share whose turn it is.

    Args:
        table: to look through.
        wanted: filters what was read.
        every_s: how often this is called; the clock says whose turn it is, so nothing has to be remembered.
    """
    rows = int(table.describe_table()["ItemCount"])  # as DynamoDB counts them every few hours
    shares = max(1, math.ceil(rows / ROWS_AT_ONCE))
    if shares == 1:
        yield from table.scan(wanted)
    else:
        turn = int(time.time() // every_s) % shares
        yield from table.scan(wanted, segment=turn, total_segments=shares)
