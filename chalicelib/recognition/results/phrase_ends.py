"""`split_transcript_at_phrase_end`: where one phrase of an utterance ends and the next begins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, Word
from chalicelib.recognition.results.smart_formatting.number_words import is_number_word
from chalicelib.recognition.results.word_sets import word_set

_BREATH_S = 0.2
"""Below this no speaker ends a sentence."""
_LONG_BREATH_S = 0.4
"""A pause like this ends a phrase whatever follows, unless the words before it cannot stand at an end."""
_NEVER_LAST = word_set(
    "a an the this these those my your his its our their and or but nor because if when while although "
    "unless than as that of to in on at by for with from into onto about over under between through "
    "during without is are was were am be been being has have had do does did will would shall should "
    "can could may might must not very too so more most no every each i he she we they who whose which "
    "what where how i'm you're we're they're it's i'll we'll you'll i've we've don't doesn't didn't "
    "can't won't isn't aren't um uh"
)
_OFTEN_FIRST = word_set(
    "the a an this that these those there here i you he she it we they my your his her our their i'm "
    "you're it's we're they're i'll you'll we'll i've please thank thanks yes no okay ok well so now "
    "then and but or what when where who why how which if is are do does did can could will would if "
    "let let's press say enter for to in on at after before"
)


def phrases(utterance: DecodedUtterance) -> list[DecodedUtterance]:
    """Return the phrases of an utterance in order; one that has no phrase end inside is its only phrase.

    A phrase ends at a pause that is too short to end the utterance, where the words before it can end a
    sentence and those after it can begin one. Other readings, places and keywords are cut at the same times;
    a keyword that was spotted across such a time belongs to neither phrase.
    """
    if not utterance.hypotheses:
        return [utterance]
    words = utterance.hypotheses[0].words
    ends_s = [(left.end_s + right.start_s) / 2 for left, right in pairwise(words) if _ends(left, right)]
    edges_s = [-float("inf"), *ends_s, float("inf")]
    return [_part(utterance, start_s, end_s) for start_s, end_s in pairwise(edges_s)]


def _ends(left: Word, right: Word) -> bool:
    pause_s = right.start_s - left.end_s
    last, first = left.text.lower(), right.text.lower()
    if pause_s < _BREATH_S or last in _NEVER_LAST or (is_number_word(last) and is_number_word(first)):
        return False
    return pause_s >= _LONG_BREATH_S or first in _OFTEN_FIRST


def _part(utterance: DecodedUtterance, start_s: float, end_s: float) -> DecodedUtterance:
    def inside(from_s: float, to_s: float) -> bool:
        return start_s <= (from_s + to_s) / 2 < end_s

    return DecodedUtterance(
        hypotheses=tuple(
            Hypothesis(_within(reading.words, start_s, end_s), reading.posterior)
            for reading in utterance.hypotheses
        ),
        slots=tuple(slot for slot in utterance.slots if inside(slot.start_s, slot.end_s)),
        keywords=tuple(
            hit
            for hit in utterance.keywords
            if inside(hit.start_s, hit.end_s) and hit.start_s >= start_s and hit.end_s <= end_s
        ),
    )


def _within(words: Sequence[Word], start_s: float, end_s: float) -> tuple[Word, ...]:
    return tuple(word for word in words if start_s <= (word.start_s + word.end_s) / 2 < end_s)
