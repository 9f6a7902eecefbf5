"""Punctuation that is dictated."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.recognition.results.smart_formatting.numbers import cardinal
from chalicelib.recognition.results.smart_formatting.tokens import Match, Token, at
from chalicelib.recognition.results.word_sets import word_set

_TWO_WORDS = {
    ("question", "mark"): "?",
    ("exclamation", "point"): "!",
    ("exclamation", "mark"): "!",
}
_BEFORE_NOUNS = word_set(
    "a an the this that these those each every any no some same last next whole my your his her its our their"
)
_NOUN_PHRASE = 3
"""A word that begins a noun phrase, so many words before, makes a noun of `period` or `comma`."""


def punctuation(tokens: Sequence[Token], index: int) -> Match | None:
    """`comma`, `question mark`, `exclamation point`, and `period` at the end, where they are no nouns."""
    if index == 0:
        return None
    pair = (at(tokens, index), at(tokens, index + 1))
    if pair in _TWO_WORDS and at(tokens, index - 1) not in _BEFORE_NOUNS:
        return Match(_TWO_WORDS[pair], index + 2, attached=True)
    if pair[0] == "period" and index + 1 == len(tokens) and not _is_noun(tokens, index):
        return Match(".", index + 1, attached=True)
    if pair[0] == "comma" and not _is_noun(tokens, index):
        return Match(",", index + 1, attached=True)
    return None


def _is_noun(tokens: Sequence[Token], index: int) -> bool:
    return any(
        at(tokens, before) in _BEFORE_NOUNS and cardinal(tokens, before) is None
        for before in range(index - _NOUN_PHRASE, index)
    )
