"""Amounts of dollars, euros and cents."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.recognition.results.smart_formatting.number_words import SCALES, ZEROS
from chalicelib.recognition.results.smart_formatting.numbers import Number, below_hundred, decimal, groups
from chalicelib.recognition.results.smart_formatting.tokens import Match, Token, as_said, at
from chalicelib.recognition.results.word_sets import word_set

_SYMBOLS = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}
_CENTS = frozenset({"cent", "cents"})
_WORDS_ALONE = frozenset({"pound", "pounds", "buck", "bucks"})
"""Weight and money alike: whether £ is meant nobody can tell, so the words stay."""
_BEHIND_AN_AMOUNT = word_set(
    "a an each apiece per for please off total or plus and but so if is was now today"
)
"""What is not counted: "two dollars fifty a piece", but "two dollars fifty people"."""


def money(tokens: Sequence[Token], index: int) -> Match | None:
    """`five dollars and twenty cents` is $5.20, `a dollar fifty` is $1.50, `twenty cents` is $0.20."""
    if at(tokens, index) == "a" and at(tokens, index + 1) in {*_SYMBOLS, *_WORDS_ALONE}:
        return _one(tokens, index)
    amount = decimal(tokens, index)
    if amount is None:
        return None
    scale = at(tokens, amount.end) if at(tokens, amount.end) in SCALES else ""
    unit = at(tokens, amount.end + bool(scale))
    if unit in _CENTS and not scale and len(amount.digits) <= 2:
        return Match(f"$0.{amount.digits:0>2}", amount.end + 1)
    if unit in _WORDS_ALONE and not scale:
        return _left_alone(tokens, index, amount.end + 1)
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


def _one(tokens: Sequence[Token], index: int) -> Match | None:
    """Read what begins with "a dollar" or the like, if an amount follows."""
    cents = _cents(tokens, index + 2)
    symbol = _SYMBOLS.get(at(tokens, index + 1))
    if symbol is not None and cents is not None:
        return Match(f"{symbol}1.{cents.digits}", cents.end)
    return _left_alone(tokens, index, index + 2)


def _left_alone(tokens: Sequence[Token], index: int, end: int) -> Match | None:
    """Keep the words of "a pound twenty", "a dollar five" and "a dollar or two": half in digits is worse."""
    rest = below_hundred(tokens, end + (at(tokens, end) == "or"))
    return as_said(tokens, index, rest[1]) if rest is not None and _is_over(tokens, rest[1]) else None


def _cents(tokens: Sequence[Token], index: int) -> Number | None:
    """Read what follows the dollars: cents by name, or two digits behind which nothing is counted."""
    if at(tokens, index) == "point":
        places = groups(tokens, index + 1)
        digits = "".join(group.digits for group in places)
        return Number(f"{digits:0<2}", places[-1].end) if 1 <= len(digits) <= 2 else None
    with_and, with_zero = at(tokens, index) == "and", at(tokens, index) in ZEROS
    read = below_hundred(tokens, index + (with_and or with_zero))
    if read is None:
        return None
    value, end = read
    if at(tokens, end) in _CENTS:
        return Number(f"{value:02}", end + 1)
    is_over = end == len(tokens) if with_and else _is_over(tokens, end)
    return Number(f"{value:02}", end) if (value < 10) == with_zero and is_over else None


def _is_over(tokens: Sequence[Token], end: int) -> bool:
    return end == len(tokens) or at(tokens, end) in _BEHIND_AN_AMOUNT
