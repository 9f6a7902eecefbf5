"""The words of a transcript as the rules of smart formatting see them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.recognition.results.smart_formatting.number_words import is_number_word


@dataclass(frozen=True)
class Token:
    """A word, or a part of a number word like `twenty-five`."""

    text: str
    lower: str
    place: int
    """Of the word in the transcript."""


@dataclass(frozen=True)
class Match:
    """What a rule makes of the tokens from where it was asked up to, but not with, `end`."""

    text: str
    end: int
    attached: bool = False
    """No space comes before it."""


Rule = Callable[[Sequence[Token], int], Match | None]


def tokens(words: Sequence[str]) -> list[Token]:
    """Return the tokens of words; number words with hyphens are several."""
    found = []
    for place, word in enumerate(words):
        parts = word.split("-")
        if len(parts) > 1 and all(is_number_word(part.lower()) for part in parts):
            found += [Token(part, part.lower(), place) for part in parts]
        else:
            found.append(Token(word, word.lower(), place))
    return found


def as_said(sequence: Sequence[Token], start: int, end: int) -> Match:
    """Leave words as they are, all of them: an expression of which a part alone would be formatted."""
    text = sequence[start].text
    for before, token in itertools.pairwise(sequence[start:end]):
        text += f"{'-' if token.place == before.place else ' '}{token.text}"
    return Match(text, end)


def at(sequence: Sequence[Token], index: int) -> str:
    """Return the token there in lower case; empty before the first and behind the last."""
    return sequence[index].lower if 0 <= index < len(sequence) else ""
