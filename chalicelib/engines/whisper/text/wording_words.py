"""Letters, acronyms and abbreviations as they are said, where numbers are spoken out already."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from chalicelib.engines.whisper.text.abbreviations import (
    ABBREVIATIONS,
    BEFORE_NAMES,
    BESIDE_NAMES,
    ROMAN_NUMERALS,
    SAID_AS_WORDS,
    UNITS,
    WITH_A_STOP,
)
from chalicelib.language.spoken.spoken_numbers import SCALES, TENS
from chalicelib.language.spoken.spoken_numbers import UNITS as ONES
from chalicelib.language.spoken.tokenisation import Tokeniser

_AROUND = "\"'.,;:!?-()"
_CAPITALS = re.compile(r"([A-Z]{2,})('?s)?")
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+")
_NUMBER_WORDS = frozenset({*ONES, *TENS, *SCALES, "hundred", "half", "quarter", "quarters"})
_FEWEST_LOUD_WORDS = 4
"""Fewer words in capitals are spelled, and perhaps cut in the wrong place; a text full of them is loud."""

_tokeniser = Tokeniser(lambda _: False)


def said(pieces: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the words of each piece of a text."""
    loud = _is_loud(pieces)
    found: list[tuple[str, ...]] = []
    words: list[str] = []
    for place, piece in enumerate(pieces):
        tokens = piece.split()
        around = [*pieces[place - 1 : place], *tokens, *pieces[place + 1 : place + 2]]
        first = len(around) - len(tokens) - len(pieces[place + 1 : place + 2])
        start = len(words)
        for at, token in enumerate(tokens, first):
            before = around[at - 1] if at else ""
            after = around[at + 1] if at + 1 < len(around) else ""
            words += _unit(token, words) or _abbreviation(token, before, after) or _plain(token, loud=loud)
        found.append(tuple(words[start:]))
    return found


def _is_loud(pieces: Sequence[str]) -> bool:
    words = [word for piece in pieces for word in re.findall(r"[^\W\d_]{2,}", piece)]
    loud = [word for word in words if word.isupper()]
    return len(loud) >= _FEWEST_LOUD_WORDS and len(loud) > 0.8 * len(words)


def _unit(token: str, words: Sequence[str]) -> list[str]:
    name = UNITS.get(token.strip(_AROUND).lower())
    if name is None or not words or words[-1] not in _NUMBER_WORDS:
        return []
    noun, *rest = name.split()
    single = words[-1] in ("half", "quarter") or (
        words[-1] == "one" and (len(words) < 2 or words[-2] not in {*_NUMBER_WORDS, "point"})
    )
    return [noun if single or noun.endswith("hertz") else f"{noun}s", *rest]


def _abbreviation(token: str, before: str, after: str) -> list[str]:
    bare = token.strip(_AROUND)
    stopped = f"{bare}." in token
    is_name_next = after[:1].isupper() and token.endswith((".", bare))
    is_name_before = before[:1].isupper() and before[1:2].islower()
    if stopped and bare.lower() in BESIDE_NAMES:
        first, behind = BESIDE_NAMES[bare.lower()]
        if is_name_before and not (before.endswith(".") or is_name_next):
            return [behind]
        return [first if is_name_next or bare.lower() == "dr" else behind]
    if is_name_before and bare in ROMAN_NUMERALS:
        return [ROMAN_NUMERALS[bare]]
    if stopped and bare in WITH_A_STOP:
        return WITH_A_STOP[bare].split()
    if stopped and bare in BEFORE_NAMES and is_name_next:
        return BEFORE_NAMES[bare].split()
    return ABBREVIATIONS.get(bare.lower(), "").split()


def _plain(token: str, *, loud: bool) -> list[str]:
    words: list[str] = []
    for word in _tokeniser.words(token):
        capitals = _CAPITALS.fullmatch(word)
        if _DOTTED.fullmatch(word):
            words += _lower(word.replace(".", " "))
        elif capitals and not loud and capitals[1].lower() not in SAID_AS_WORDS:
            *letters, last = _lower(" ".join(capitals[1]))
            words += [*letters, f"{last}'s" if capitals[2] else last]
        else:
            words += _lower(word)
    return words


def _lower(text: str) -> list[str]:
    """Return words in lower case, without accents and whatever else is no letter."""
    decomposed = unicodedata.normalize("NFKD", text.lower()).lower()
    kept = "".join(sign for sign in decomposed if sign.isalpha() or sign in "' ")
    return [word for word in (word.strip("'") for word in kept.split()) if word]
