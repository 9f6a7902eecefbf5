"""Display forms of custom words: what results show, and what keywords mean by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, WordSlot

_MOST_WAYS = 16
"""Of words that one keyword may mean."""


def as_it_is(word: str) -> str:
    """Return a word as an engine spells it that knows no signs of its own."""
    return word


@dataclass(frozen=True)
class Display:
    """How an engine's words are shown."""

    forms: Mapping[str, str]
    """By the engine's spelling; a word that is not in it is shown as it is."""
    spelling: Callable[[str], str] = as_it_is
    """The engine's spelling of a word."""

    def ways(self, keyword: str) -> list[tuple[str, ...]]:
        """Return the phrases in the engine's spelling, lower case, that a keyword may mean.

        A word may be named by its spelling or by its display form, which is all that a result shows of it.
        """
        tokens = tuple(keyword.lower().split())
        reached: list[list[tuple[str, ...]]] = [[()], *([] for _ in tokens)]
        for start, token in enumerate(tokens):
            for end in range(start + 1, min(start + self._longest, len(tokens)) + 1):
                words = list(self._named.get(tokens[start:end], ()))
                if end == start + 1:
                    words.insert(0, self.spelling(token).lower())
                reached[end] += [(*way, word) for way in reached[start] for word in dict.fromkeys(words)]
                del reached[end][_MOST_WAYS:]
        return reached[-1]

    @cached_property
    def _named(self) -> Mapping[tuple[str, ...], list[str]]:
        named = defaultdict(list)
        for word, form in self.forms.items():
            named[tuple(form.lower().split())].append(word.lower())
        return named

    @cached_property
    def _longest(self) -> int:
        return max(map(len, self._named), default=1) or 1


def shown(utterance: DecodedUtterance, display: Display) -> DecodedUtterance:
    """Return an utterance with words in the engine's spelling replaced by their display forms."""
    forms = display.forms
    if not forms:
        return utterance
    return replace(
        utterance,
        hypotheses=tuple(shown_hypothesis(one, display) for one in utterance.hypotheses),
        slots=tuple(
            WordSlot(
                slot.start_s,
                slot.end_s,
                tuple((forms.get(word, word), posterior) for word, posterior in slot.alternatives),
            )
            for slot in utterance.slots
        ),
    )


def shown_hypothesis(hypothesis: Hypothesis, display: Display) -> Hypothesis:
    """Return a reading with its words' display forms."""
    words = (replace(word, text=display.forms.get(word.text, word.text)) for word in hypothesis.words)
    return Hypothesis(tuple(words), hypothesis.posterior)
