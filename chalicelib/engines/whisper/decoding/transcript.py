"""From tokens to spoken words, each with its piece of the written text."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Sequence

from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.text.plain_wording import plain
from chalicelib.engines.whisper.text.wording import spoken, worded


@functools.lru_cache(maxsize=128)
def spoken_words(text: str) -> tuple[tuple[str, str], ...]:
    """Return the words of a written text, each with its piece of it."""
    return tuple(worded(spoken(text)))


def network_words(network: Network, ids: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """Return the words of a reading as they are said in the network's language, each with its piece."""
    if network.is_english:
        return spoken_words(network.tokens.decode(ids))
    pieces = [network.tokens.decode(piece) for piece in network.tokens.words(ids, network.language)]
    return tuple(worded(plain(pieces)))


def words_of(
    network: Network, ids: Sequence[int], written: Sequence[int] | None = None
) -> tuple[tuple[str, str], ...]:
    """Return the words of a reading, each with its piece of the written text.

    Args:
        network: what has found it.
        ids: the reading's tokens.
        written: the same as the network writes it, if `ids` have numbers in words.
    """
    words = network_words(network, ids)
    if not words or written is None or not network.is_english:
        return words
    return transferred(words, network.tokens.decode(written))


def transferred(words: Sequence[tuple[str, str]], text: str) -> tuple[tuple[str, str], ...]:
    """Return the words with the pieces of another text of the same speech; all of that text is there.

    What is the same in both is matched; what differs goes with the first of the words it stands for.
    """
    others = spoken_words(text)
    if not words or not others:
        return tuple(words)
    pieces = [""] * len(words)
    matcher = difflib.SequenceMatcher(
        a=[word for word, _ in words], b=[word for word, _ in others], autojunk=False
    )
    for _, first, last, other_first, other_last in matcher.get_opcodes():
        for place in range(other_first, other_last):
            target = min(first + place - other_first, max(last - 1, first), len(words) - 1)
            pieces[target] = f"{pieces[target]} {others[place][1]}".strip()
    return tuple((word, piece) for (word, _), piece in zip(words, pieces, strict=True))
