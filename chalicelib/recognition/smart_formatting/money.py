"""Amounts of dollars, euros and cents."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.recognition.smart_formatting.number_words import SCALES
from chalicelib.recognition.smart_formatting.numbers import Number, below_hundred, decimal, groups
from chalicelib.recognition.smart_formatting.tokens import Match, Token, at

_SYMBOLS = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}
_CENTS = frozenset({"cent", "cents"})


def money(tokens: Sequence[Token], index: int) -> Match | None:
    """`five dollars and twenty cents` is $5.20, `twenty cents` is $0.20."""
    amount = decimal(tokens, index)
    if amount is None:
        return None
    scale = at(tokens, amount.end) if at(tokens, amount.end) in SCALES else ""
    unit = at(tokens, amount.end + bool(scale))
    if unit in _CENTS and not scale and len(amount.digits) <= 2:
        return Match(f"$0.{amount.digits:0>2}", amount.end + 1)
    if unit not in _SYMBOLS:
        return None
    end = amount.end + bool(scale) + 1
    if scale:
        return Match(f"{_SYMBOLS[unit]}{amount.digits} {scale}", end)
    whole, _, places = amount.digits.partition(".")
    if places:
        return Match(f"{_SYMBOLS[unit]}{whole}.{places:0<2}", end)
    cents = _cents(tokens, end)
    if cents is None:
        return Match(f"{_SYMBOLS[unit]}{whole}", end)
    return Match(f"{_SYMBOLS[unit]}{whole}.{cents.digits}", cents.end)


def _cents(tokens: Sequence[Token], index: int) -> Number | None:
    """Read what follows the dollars: cents by name, or two digits that end the transcript."""
    if at(tokens, index) == "point":
        places = groups(tokens, index + 1)
        digits = "".join(group.digits for group in places)
        return Number(f"{digits:0<2}", places[-1].end) if 1 <= len(digits) <= 2 else None
    read = below_hundred(tokens, index + (at(tokens, index) == "and"))
    if read is None:
        return None
    value, end = read
    if at(tokens, end) in _CENTS:
        return Number(f"{value:02}", end + 1)
    return Number(str(value), end) if value >= 10 and end == len(tokens) else None
