"""Recognition restricted to the sentences of a small grammar, by scoring them, and refusing other speech.

What a network writes freely is nearly always as good as the best text that there is. So the sentence that is
nearest to it, in sound and in score, was said if it is hardly worse.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis
from chalicelib.language.artefact import ArtefactWord
from chalicelib.language.pronunciation.near_sounding import distance
from chalicelib.language.pronunciation.pronunciations import Unpronounceable, guess

ScoreTexts = Callable[[Sequence[str]], Sequence[float]]
"""The sum of the logarithms of each text's tokens, as the network hears the utterance."""
Listed = Callable[[str], Sequence[str]]

MOST_SCORED = 12
"""Sentences that sound most like what was written freely."""
LEAST_ACCEPTANCE = 0.5
"""Below it nothing of the grammar was said."""
_READINGS_TRIED = 3


@dataclass(frozen=True)
class SentenceEvidence:
    """What speaks for a sentence against the freely written text."""

    gap: float
    """By how much the mean logarithm per token is worse, at least 0."""
    distance: float
    """How different they sound, per phone."""


@dataclass(frozen=True)
class HeardSentence:
    """The best sentence of the grammar."""

    sentence: tuple[str, ...]
    text: str
    """As the network scores it best."""
    score: float
    """Mean natural logarithm per token."""
    evidence: SentenceEvidence

    @property
    def acceptance(self) -> float:
        """The probability in 0…1 that the grammar was spoken at all."""
        return probability(self.evidence)


@dataclass(frozen=True)
class EvidenceWeights:
    """Of the logistic function of the evidence.

    Fitted to short telephone prompts that are not held out, a third of their texts as the grammar. In five
    folds 3 of 59 of its sentences were refused, and 4 of 64 others taken for one, as "fifteen" for "sixteen".
    """

    bias: float
    gap: float
    distance: float


WEIGHTS = EvidenceWeights(3.3, 1.6, 3.6)


def probability(evidence: SentenceEvidence, weights: EvidenceWeights = WEIGHTS) -> float:
    """Return the probability in 0…1 that a sentence of the grammar was spoken."""
    odds = weights.bias - weights.gap * evidence.gap - weights.distance * evidence.distance
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def as_sure(utterance: DecodedUtterance, probability: float) -> DecodedUtterance:
    """Return what was heard with that probability for the reading and each of its words."""
    return replace(
        utterance,
        hypotheses=tuple(
            Hypothesis(tuple(replace(word, posterior=probability) for word in one.words), probability)
            for one in utterance.hypotheses
        ),
    )


class SentenceChoice:
    """The sentences of a grammar, with their sounds."""

    def __init__(
        self, sentences: Sequence[Sequence[str]], entries: Iterable[ArtefactWord], listed: Listed
    ) -> None:
        """Take sentences, the custom words among them, and the dictionary of ordinary ones."""
        self._listed = listed
        self._said = {entry.word: entry.pronunciations for entry in entries if entry.pronunciations}
        self._sentences = [(tuple(words), self._phones(" ".join(words))) for words in sentences]

    def heard(
        self, texts: Sequence[str], score_texts: ScoreTexts, count_tokens: Callable[[str], int]
    ) -> HeardSentence | None:
        """Return the sentence that was most likely said; None where nothing was.

        Args:
            texts: what the network writes freely, best first.
            score_texts: asked once.
            count_tokens: how many tokens a text takes.
        """
        free = [text for text in texts[:_READINGS_TRIED] if text.strip()]
        if not free or not self._sentences:
            return None
        heard = [self._phones(text) for text in free]
        nearest = sorted(
            (min(distance(phones, other) for other in heard), number)
            for number, (_, phones) in enumerate(self._sentences)
        )[:MOST_SCORED]
        forms = [(apart, number, form) for apart, number in nearest for form in self._forms(number)]
        asked = [*free, *(form for _, _, form in forms)]
        means = [
            total / max(1, count_tokens(text)) for total, text in zip(score_texts(asked), asked, strict=True)
        ]
        best = max(means[: len(free)])
        ranked = [
            (mean - apart, mean, apart, number, form)
            for mean, (apart, number, form) in zip(means[len(free) :], forms, strict=True)
        ]
        _, mean, apart, number, text = max(ranked, key=lambda one: one[0])
        return HeardSentence(
            self._sentences[number][0], text, mean, SentenceEvidence(max(0.0, best - mean), apart)
        )

    def _forms(self, number: int) -> list[str]:
        """Return a sentence as a network may write it."""
        text = " ".join(self._sentences[number][0])
        return list(dict.fromkeys([text, f"{text[:1].upper()}{text[1:]}."]))

    def _phones(self, text: str) -> list[str]:
        found: list[str] = []
        for word in text.split():
            bare = word.strip(string.punctuation)
            if word in self._said:
                found += self._said[word][0].split()
                continue
            try:
                found += guess(bare, listed=self._listed)[0].split() if bare else []
            except Unpronounceable:
                continue
        return found
