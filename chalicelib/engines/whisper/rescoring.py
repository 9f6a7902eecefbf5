"""The readings of a network, weighed once more with a custom language model and its words.

A reading's score stays what it was, a mean logarithm per token, plus what the language model prefers it by.
The share was chosen on the adaptation half of the telephone prompts and on a seventh of AN4's training half,
each in five folds. The sum instead of the mean, or a term per word, helps prompts as it harms AN4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from chalicelib.engines.whisper.custom_words import CustomWords, Variant
from chalicelib.language.preference import Preference

LANGUAGE_SHARE = 0.35
"""Of the preference's logarithm, which is shared by a reading's tokens like the score's."""
CUSTOM_WORD_GAIN, DISTANCE_COST = 6.0, 8.0
"""What a variant is given, in logarithms, because names are improbable for a network; and what it loses per
unit of distance. Chosen on telephone prompts not held out, half of which hold one of 40 custom words:
of 110 utterances 18 get better, none worse by these words or by 150 others that nobody says."""
_READINGS_TRIED = 2
"""The best readings with and without the language model, whose variants are looked at."""

ScoreTexts = Callable[[Sequence[str]], Sequence[float]]
"""The sum of the logarithms of each text's tokens, as the network hears the utterance."""


@dataclass(frozen=True)
class Reading:
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
    readings: Sequence[Reading],
    language: CustomLanguage,
    score_texts: ScoreTexts,
    count_tokens: Callable[[str], int],
) -> list[Reading]:
    """Return readings, and variants of the best of them, as a custom language ranks them, best first.

    Args:
        readings: of one utterance, best first.
        language: of the user.
        score_texts: asked once, and only if there are variants.
        count_tokens: how many tokens a text takes.
    """
    ranked = _ranked(readings, language.preference)
    tried = list(dict.fromkeys([*readings[:_READINGS_TRIED], *(one for one, _ in ranked[:_READINGS_TRIED])]))
    variants = _variants(readings, tried, language.words, score_texts, count_tokens)
    everything = _ranked([*readings, *variants], language.preference)
    return [replace(one, score=score) for one, score in everything]


def _ranked(readings: Sequence[Reading], preference: Preference) -> list[tuple[Reading, float]]:
    """Return the readings with their new scores, best first."""
    scored = [
        (one, one.score + LANGUAGE_SHARE * preference.log_ratio(one.text) / max(1, one.tokens))
        for one in readings
    ]
    return sorted(scored, key=lambda pair: -pair[1])


def _variants(
    readings: Sequence[Reading],
    tried: Sequence[Reading],
    words: CustomWords,
    score_texts: ScoreTexts,
    count_tokens: Callable[[str], int],
) -> list[Reading]:
    there = {one.text for one in readings}
    found: dict[str, tuple[Reading, Variant]] = {}
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
        # The same denominator for both: a name takes more tokens than what it sounds like.
        made.append(Reading(text, reading.score + gained / max(1, tokens), tokens))
    return made
