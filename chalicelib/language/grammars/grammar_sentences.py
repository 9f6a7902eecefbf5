"""All sentences of a grammar, where there are few of them."""

from __future__ import annotations

from collections import defaultdict

from chalicelib.language.grammars.grammar_network import GrammarNetwork

MOST_SENTENCES = 500
_LONGEST_WORDS = 60
_MOST_STEPS = 200_000


def sentences(network: GrammarNetwork, most: int = MOST_SENTENCES) -> tuple[tuple[str, ...], ...] | None:
    """Return every sentence of a network once; None where there are more than `most`, or very long ones.

    Args:
        network: of a grammar.
        most: largest number of sentences that is wanted.
    """
    leaving = defaultdict[int, list[tuple[int, str | None]]](list)
    for origin, target, probability, word in network.arcs:
        if probability > 0:
            leaving[origin].append((target, word))
    found: dict[tuple[str, ...], None] = {}
    # A path: its state, its words, and the states that it has passed since the last of them.
    paths: list[tuple[int, tuple[str, ...], frozenset[int]]] = [(network.start, (), frozenset())]
    for _ in range(_MOST_STEPS):
        if not paths:
            return tuple(found)
        state, words, passed = paths.pop()
        if state == network.end and words:
            found[words] = None
        if len(found) > most or len(words) > _LONGEST_WORDS:
            return None
        for target, word in reversed(leaving[state]):
            if word is not None:
                paths.append((target, (*words, word), frozenset()))
            elif target not in passed and target != state:
                paths.append((target, words, passed | {state}))
    return None
