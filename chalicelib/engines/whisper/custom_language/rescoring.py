"""The readings of a network, weighed once more with a custom language model and its words.

What counts is the sum of the logarithms of a reading's tokens and what the language model prefers it by.
The share was chosen on the adaptation half of the telephone prompts and on a seventh of AN4's training half,
each in five folds. A term per word would help the one and harm the other. Means per token would prefer
readings that break off early, where the rest is less likely than the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chalicelib.engines.whisper.custom_language.custom_words import CustomWords, Variant
from chalicelib.language.ngram_models.preference import Preference

LANGUAGE_SHARE = 0.35
"""Of the preference's logarithm."""
CUSTOM_WORD_GAIN, DISTANCE_COST = 6.0, 8.0
"""What a variant is given, in logarithms, because names are improbable for a network; and what it loses per
unit of distance. Chosen on telephone prompts not held out, half of which hold one of 40 custom words:
of 110 utterances 18 get better, none worse by these words or by 150 others that nobody says."""
_LEAST_TOKENS, _SHORT_TOKENS = 0.7, 10
"""A reading with a smaller share of the best one's tokens breaks off early, unless that has few itself."""
_READINGS_TRIED = 2
"""The best readings with and without the language model, whose variants are looked at."""

ScoreTexts = Callable[[Sequence[str]], Sequence[float]]
"""The sum of the logarithms of each text's tokens, as the network hears the utterance."""


@dataclass(frozen=True)
class CandidateReading:
    """A text that the network may have heard."""

    text: str
    score: float
    """Mean natural logarithm per token."""
    tokens: int


@dataclass(frozen=True)
class CustomLanguage:
    """What is preferred, and which words are looked for."""

    preference: Preference
    words: CustomWords


def rescored(
    readings: Sequence[CandidateReading],
    language: CustomLanguage,
    score_texts: ScoreTexts,
    count_tokens: Callable[[str], int],
) -> list[CandidateReading]:
    """Return readings, and variants of the best of them, as a custom language ranks them, best first.

    Args:
        readings: of one utterance, best first.
        language: of the user.
        score_texts: asked once, and only if there are variants.
        count_tokens: how many tokens a text takes.
    """
    whole = [
        one
        for one in readings
        if one.tokens >= _LEAST_TOKENS * readings[0].tokens or readings[0].tokens < _SHORT_TOKENS
    ]
    ranked = _ranked(whole, language.preference)
    tried = list(dict.fromkeys([*whole[:_READINGS_TRIED], *(one for one, _ in ranked[:_READINGS_TRIED])]))
    variants = _variants(whole, tried, language.words, score_texts, count_tokens)
    everything = _ranked([*whole, *variants], language.preference)
    return [replace(one, score=score) for one, score in everything]


def _ranked(
    readings: Sequence[CandidateReading], preference: Preference
) -> list[tuple[CandidateReading, float]]:
    """Return the readings with their new scores, in tokens of the first of them, best first."""
    scored = [
        (
            one,
            (one.score * one.tokens + LANGUAGE_SHARE * preference.log_ratio(one.text))
            / max(1, readings[0].tokens),
        )
        for one in readings
    ]
    return sorted(scored, key=lambda pair: -pair[1])


def _variants(
    readings: Sequence[CandidateReading],
    tried: Sequence[CandidateReading],
    words: CustomWords,
    score_texts: ScoreTexts,
    count_tokens: Callable[[str], int],
) -> list[CandidateReading]:
    there = {one.text for one in readings}
    found: dict[str, tuple[CandidateReading, Variant]] = {}
    for reading in tried:
        for variant in words.variants(reading.text):
            if variant.text not in there:
                found.setdefault(variant.text, (reading, variant))
    if not found:
        return []
    origins = list(dict.fromkeys(reading.text for reading, _ in found.values()))
    sums = dict(zip([*origins, *found], score_texts([*origins, *found]), strict=True))
    made = []
    for text, (reading, variant) in found.items():
        tokens = count_tokens(text)
        gained = sums[text] - sums[reading.text] + CUSTOM_WORD_GAIN - DISTANCE_COST * variant.distance
        score = (reading.score * reading.tokens + gained) / max(1, tokens)
        made.append(CandidateReading(text, score, tokens))
    return made
