"""From tokens to spoken words, each with its piece of the written text and what the network thought of it."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.engines.whisper.network import Encoded, Network
from chalicelib.engines.whisper.wording import spoken, worded


@dataclass(frozen=True)
class SpokenWord:
    """One word, as it is said."""

    text: str
    written: str
    """Its piece of the written text, as `protocol.Word.written`."""
    log_probabilities: tuple[float, ...] = ()
    """Of the tokens that it was written with, each given those before."""


def spoken_words(text: str) -> list[tuple[str, str]]:
    """Return the words of a written text, each with its piece of it."""
    return worded(spoken(text))


def judged_words(
    network: Network, encoded: Encoded, ids: Sequence[int], written: Sequence[int] | None = None
) -> list[SpokenWord]:
    """Return the words of a reading with the probabilities of their tokens.

    Args:
        network: what has found it.
        encoded: its window, alone.
        ids: the reading's tokens.
        written: the same as the network writes it, if `ids` have numbers in words.
    """
    ids = [one for one in ids if one < network.tokens.end]
    text = network.tokens.decode(ids)
    words = spoken_words(text)
    if not words:
        return []
    [aligned] = network.align(encoded, [ids])
    chances = np.log(np.maximum(aligned.probabilities, 1e-10))
    of_tokens: list[tuple[float, ...]] = []
    begun = 0
    for pieces in network.tokens.words(ids, network.language):
        values = tuple(chances[begun : begun + len(pieces)].tolist())
        begun += len(pieces)
        if network.tokens.decode(pieces).strip() or not of_tokens:
            of_tokens.append(values)
        else:
            of_tokens[-1] += values
    shown = words if written is None else transferred(words, network.tokens.decode(written))
    found: list[SpokenWord] = []
    reached = 0
    values = ()
    for (word, piece), (_, place) in zip(shown, words, strict=True):
        if place:
            count = len(place.split())
            values = tuple(one for token in of_tokens[reached : reached + count] for one in token)
            reached += count
        found.append(SpokenWord(word, piece, values))
    return found


def transferred(words: Sequence[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """Return the words with the pieces of another text of the same speech; all of that text is there.

    What is the same in both is matched; what differs goes with the first of the words it stands for.
    """
    others = spoken_words(text)
    pieces = [""] * len(words)
    matcher = difflib.SequenceMatcher(
        a=[word for word, _ in words], b=[word for word, _ in others], autojunk=False
    )
    for _, first, last, other_first, other_last in matcher.get_opcodes():
        for place in range(other_first, other_last):
            target = min(first + place - other_first, max(last - 1, first), len(words) - 1)
            pieces[target] = f"{pieces[target]} {others[place][1]}".strip()
    return [(word, piece) for (word, _), piece in zip(words, pieces, strict=True)]
