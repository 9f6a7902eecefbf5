"""Dates: with the month's name or in three numbers."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.language.spoken.spoken_rules import MONTHS
from chalicelib.recognition.results.smart_formatting.number_words import TENS, ZEROS
from chalicelib.recognition.results.smart_formatting.numbers import (
    below_hundred,
    cardinal,
    groups,
    ordinal_value,
)
from chalicelib.recognition.results.smart_formatting.tokens import Match, Token, as_said, at

_MONTHS = {name: number for number, name in enumerate(MONTHS, 1)}
_PLURALS = {f"{word[:-1]}ies": value for word, value in TENS.items()} | {
    "tens": 10,
    "hundreds": 0,
    "thousands": 0,
}
_FIRST_CENTURY, _LAST_CENTURY = 13, 20
_OF_TIME = frozenset({"the", "early", "mid", "late"})
_VERBS = frozenset({"may", "march"})
"""Months only beside a year or an ordinal."""


def month_first(tokens: Sequence[Token], index: int) -> Match | None:
    """`june sixth` is June 6, and with a year 6/6/1970."""
    name = at(tokens, index)
    if name not in _MONTHS:
        return None
    day = _day(tokens, index + 1 + (at(tokens, index + 1) == "the"))
    if day is not None:
        value, end, is_ordinal = day
        year = _year(tokens, end)
        if year is not None:
            return Match(f"{_MONTHS[name]}/{value}/{year[0]}", year[1])
    year = _year(tokens, index + 1)
    if year is not None:
        return Match(f"{name.capitalize()} {year[0]}", year[1])
    if day is None or (name in _VERBS and not is_ordinal):
        return None
    return Match(f"{name.capitalize()} {value}", end)


def day_first(tokens: Sequence[Token], index: int) -> Match | None:
    """`the ninth of december nineteen hundred` is 12/9/1900, and without a year December 9."""
    start = index + (at(tokens, index) == "the")
    day = ordinal_value(tokens, start)
    if day is None or not 1 <= day[0] <= 31:
        return None
    month_at = day[1] + (at(tokens, day[1]) == "of")
    name = at(tokens, month_at)
    if name not in _MONTHS:
        return None
    year = _year(tokens, month_at + 1)
    if year is not None:
        return Match(f"{_MONTHS[name]}/{day[0]}/{year[0]}", year[1])
    if month_at == day[1]:
        return None  # "the second march"
    return Match(f"{name.capitalize()} {day[0]}", month_at + 1)


def decade(tokens: Sequence[Token], index: int) -> Match | None:
    """`nineteen eighties` is 1980s, `the two thousands` the 2000s; beside other plurals it is a word."""
    if (
        at(tokens, index) == "two"
        and at(tokens, index + 1) == "thousands"
        and at(tokens, index - 1) in _OF_TIME
    ):
        return Match("2000s", index + 2)
    count = below_hundred(tokens, index)  # longer ones hold digits that redaction hides
    if count is None or at(tokens, count[1]) not in _PLURALS:
        return None
    century, end = count
    if _FIRST_CENTURY <= century <= _LAST_CENTURY:
        return Match(f"{century * 100 + _PLURALS[at(tokens, end)]}s", end + 1)
    return as_said(tokens, index, end + 1)


def numeric(tokens: Sequence[Token], index: int) -> Match | None:
    """`ten oh six nineteen seventy` is 10/6/1970; nothing but these numbers may stand there."""
    month = _small(tokens, index)
    day = None if month is None else _small(tokens, month[1])
    year = None if day is None else _year(tokens, day[1])
    if month is None or day is None or year is None or groups(tokens, year[1]):
        return None
    if month[0] > 12 or day[0] > 31:
        return None
    return Match(f"{month[0]}/{day[0]}/{year[0]}", year[1])


def _day(tokens: Sequence[Token], index: int) -> tuple[int, int, bool] | None:
    day = ordinal_value(tokens, index)
    is_ordinal = day is not None
    day = day or below_hundred(tokens, index)
    if day is None or not 1 <= day[0] <= 31:
        return None
    following = at(tokens, day[1])
    if not is_ordinal and (following in ("hundred", "thousand", "million", "point") or following in ZEROS):
        return None
    return *day, is_ordinal


def _small(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    if at(tokens, index) in ZEROS:
        digit = below_hundred(tokens, index + 1)
        return digit if digit is not None and digit[0] < 10 else None
    return below_hundred(tokens, index)


def _year(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    """Read 1100 to 2999 as years are said."""
    whole = cardinal(tokens, index)
    if whole is not None and 1100 <= whole[0] <= 2999 and at(tokens, whole[1]) != "point":
        return whole
    century = below_hundred(tokens, index)
    if century is None or not 11 <= century[0] <= 29:
        return None
    value, end = century
    if at(tokens, end) in ZEROS:
        digit = below_hundred(tokens, end + 1)
        return (value * 100 + digit[0], digit[1]) if digit is not None and digit[0] < 10 else None
    rest = below_hundred(tokens, end)
    if rest is None or rest[0] < 10 or at(tokens, rest[1]) in ("hundred", "thousand", "million"):
        return None
    return value * 100 + rest[0], rest[1]
