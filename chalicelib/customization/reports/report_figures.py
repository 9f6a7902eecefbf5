"""Training reports read with caution, as parts may be missing; and their figures as people say them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]
KEPT_BASE = "base"
"""The decision of a training after which the model recognises as its base."""


def part(report: Figures, name: str) -> Figures:
    """Return a part that is an object; an empty one if there is none."""
    value = report.get(name)
    return value if isinstance(value, Mapping) else {}


def entries(report: Figures, name: str) -> list[Any]:
    """Return a part that is a list; an empty one if there is none."""
    value = report.get(name)
    return value if isinstance(value, list) else []


def text(report: Figures, name: str) -> str | None:
    """Return a text; None: there is none, or it is empty."""
    value = report.get(name)
    return value if isinstance(value, str) and value else None


def number(report: Figures, name: str) -> float | None:
    """Return a finite number; None: there is none."""
    value = report.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:  # JSON's whole numbers have no end
        return None
    return found if math.isfinite(found) else None


def duration(seconds: float) -> str:
    """Return a duration as people say it: seconds below two minutes, hours from two hours on."""
    if seconds < 120:
        return count(round(seconds), "second")
    if seconds < 7200:
        return f"{seconds / 60:.1f} minutes"
    return f"{seconds / 3600:.1f} hours"


def percent(share: float, digits: int = 0) -> str:
    """Return a share, 0…1, as percent."""
    return f"{100 * share:.{digits}f} %"


def apart(*shares: float) -> list[str]:
    """Return shares as percent, with a digit more where whole figures would read the same."""
    whole = [percent(share) for share in shares]
    return whole if len(set(whole)) > 1 or len(set(shares)) == 1 else [percent(share, 1) for share in shares]


def count(number: float, what: str) -> str:
    """Return how many there are of what has this name, in the plural if need be."""
    return f"{number:.0f} {what}{'' if round(number) == 1 else 's'}"


def error_rate(figures: Figures) -> float | None:
    """Return the share of `words` that are `errors`, 0…1; None: there are no words."""
    words, errors = number(figures, "words"), number(figures, "errors")
    return errors / words if words and errors is not None else None
