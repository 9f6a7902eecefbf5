"""Words of a result as they are to be shown: the display form of custom words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, WordSlot


def shown(utterance: DecodedUtterance, display: Mapping[str, str]) -> DecodedUtterance:
    """Return an utterance with words in the decoder's spelling replaced by their display forms."""
    if not display:
        return utterance
    return replace(
        utterance,
        hypotheses=tuple(shown_hypothesis(one, display) for one in utterance.hypotheses),
        slots=tuple(
            WordSlot(
                slot.start_s,
                slot.end_s,
                tuple((display.get(word, word), posterior) for word, posterior in slot.alternatives),
            )
            for slot in utterance.slots
        ),
    )


def shown_hypothesis(hypothesis: Hypothesis, display: Mapping[str, str]) -> Hypothesis:
    """Return a reading with its words' display forms."""
    words = (replace(word, text=display.get(word.text, word.text)) for word in hypothesis.words)
    return Hypothesis(tuple(words), hypothesis.posterior)
