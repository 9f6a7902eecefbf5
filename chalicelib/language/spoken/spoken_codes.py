"""Numbers that name something instead of counting it: rooms, telephone and account numbers, ZIP codes.

A run of three digits or more, without a comma, is read as a code where it counts nothing: behind letters or a
word like "room", and where no counted word follows. Three and four digits are said in pairs (527: five twenty
seven), more one by one. Round ones (500, 50000) are said as other numbers are; so is what counts: 527 people.
"""

from __future__ import annotations

import re

from chalicelib.language.spoken.spoken_numbers import cardinal, digits

RUN = re.compile(r"(?<![\d.,])\d{3,}(?!\w|[.,:]\d|\s?[%°$€£¥¢])")
"""Digits that may be a code."""

_CONTEXT = 24
"""Characters on both sides that are looked at."""
_NAMED = re.compile(
    r"(?:[A-Za-z][-_]?|\b(?:room|suite|apartment|flight|gate|bus|train|route|highway|interstate|exit|page|chapter|"
    r"section|number|extension|option|channel|code|pin|model|building|box|lot|unit|badge|order|invoice|account|area)"
    r"\s+(?:number\s+|code\s+)?)$",
    re.IGNORECASE,
)
_AREA = re.compile(r"\barea\s+code\s+$", re.IGNORECASE)
_COUNTED = re.compile(
    r"\s+(?!(?:and|or|is|was|are|were|to|in|on|at|for|from|with|but|then|if|so|by|as|please|has|have|had|will|"
    r"the|this|that|my|your|it|he|she|we|they|you|plus|minus|times|extension|north|south|east|west)\b)[a-z']{2,}"
)
_QUANTIFIED = re.compile(
    r"\b(?:about|over|under|than|nearly|almost|least|most|around|approximately|roughly|some|exactly)\s+$",
    re.IGNORECASE,
)


def said(match: re.Match[str]) -> str:
    """Say a run that `RUN` found; text that does not name anything is returned as it is."""
    text = match[0]
    before = match.string[max(match.start() - _CONTEXT, 0) : match.start()]
    behind = match.string[match.end() : match.end() + _CONTEXT]
    if not _NAMED.search(before) and (_COUNTED.match(behind) or _QUANTIFIED.search(before)):
        return text
    if len(text) > 4 or _AREA.search(before):
        words = [] if text.endswith("000") and text[0] != "0" else one_by_one(text)
    else:
        words = [] if text.endswith("00") or text[0] == "0" else in_pairs(text)
    return f" {' '.join(words)} " if words else text


def one_by_one(text: str) -> list[str]:
    """Say the digits of a long number: a zero is "oh" but at the start."""
    first, *others = digits(text)
    return [first, *("oh" if word == "zero" else word for word in others)]


def in_pairs(text: str) -> list[str]:
    """Say three or four digits as names are said: one twenty, one oh five, forty five ten."""
    head, tail = text[:-2], text[-2:]
    if tail == "00":
        return cardinal(text)
    if head.endswith("0") and len(head) > 1 and tail[0] == "0":
        return one_by_one(text)
    return [*cardinal(head), *(["oh", *cardinal(tail[1])] if tail[0] == "0" else cardinal(tail))]
