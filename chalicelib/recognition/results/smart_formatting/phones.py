"""Telephone numbers of North America, and 911."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.recognition.results.smart_formatting.numbers import groups
from chalicelib.recognition.results.smart_formatting.tokens import Match, Token, at

_LEAST_GROUPS = 4
"""Fewer say an amount."""


def phone(tokens: Sequence[Token], index: int) -> Match | None:
    """Ten digits, or eleven that start with 1, said one by one or in groups; nothing else may follow."""
    plus = at(tokens, index) == "plus" and at(tokens, index + 1) == "one"
    series = groups(tokens, index + plus, hundreds=True)
    digits = "".join(group.digits for group in series)
    if len(series) < _LEAST_GROUPS:
        return None
    end = series[-1].end
    if len(digits) == 10 and not plus:
        return Match(f"{digits[:3]}-{digits[3:6]}-{digits[6:]}", end)
    if len(digits) == 11 and digits[0] == "1":
        return Match(f"{'+' * plus}1-{digits[1:4]}-{digits[4:7]}-{digits[7:]}", end)
    return None
