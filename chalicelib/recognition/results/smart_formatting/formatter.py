"""Smart formatting of a whole transcript: the first rule that matches at a word decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.recognition.results.smart_formatting import (
    addresses,
    dates,
    money,
    numbers,
    phones,
    punctuation,
    times,
)
from chalicelib.recognition.results.smart_formatting.tokens import Match, Rule, Token, tokens

_RULES: tuple[Rule, ...] = (
    addresses.email,
    addresses.web,
    phones.phone,
    times.relative,
    dates.decade,
    numbers.mixed,
    dates.numeric,
    dates.month_first,
    dates.day_first,
    times.time,
    times.military,
    money.money,
    numbers.ordinal,
    numbers.number,
    punctuation.punctuation,
)


@dataclass(frozen=True)
class FormattedPiece:
    """A stretch of the formatted transcript and the words that it stands for."""

    text: str
    places: tuple[int, ...]
    attached: bool = False
    """No space comes before it."""


def format_words(words: Sequence[str]) -> list[FormattedPiece]:
    """Return a transcript's words as they are usually written; each is in exactly one piece, in order."""
    sequence = tokens(words)
    pieces: list[FormattedPiece] = []
    index = 0
    while index < len(sequence):
        match = _match(sequence, index)
        if match is None:
            place = sequence[index].place
            pieces.append(FormattedPiece(words[place], (place,)))
            while index < len(sequence) and sequence[index].place == place:
                index += 1
            continue
        places = dict.fromkeys(token.place for token in sequence[index : match.end])
        pieces.append(FormattedPiece(match.text, tuple(places), match.attached))
        index = match.end
    return pieces


def join(pieces: Sequence[FormattedPiece]) -> str:
    """Return the text of a formatted transcript."""
    return "".join(
        piece.text if piece.attached or number == 0 else f" {piece.text}"
        for number, piece in enumerate(pieces)
    )


def _match(sequence: Sequence[Token], index: int) -> Match | None:
    for rule in _RULES:
        match = rule(sequence, index)
        if match is not None and not _cuts_a_word(sequence, match.end):
            return match
    return None


def _cuts_a_word(sequence: Sequence[Token], end: int) -> bool:
    return end < len(sequence) and sequence[end].place == sequence[end - 1].place
