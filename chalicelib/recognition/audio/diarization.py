"""Who speaks which word: evidence of voices, clustered until merging does not pay, then settled word by word.

Every word gives evidence of its speaker's voice (`audio.speech.voice_model`). Phrases are merged, best
pairs first, as long as one speaker explains the two better than two do; the prior over speakers pays for each
one more (Bayesian agglomerative clustering). Words then go to the speaker under whom they are likeliest, by
Viterbi over words with a cost of changing the speaker that is smaller at pauses, and speakers are estimated
anew (after Kenny, Reynolds and Castaldo 2010, and Landini and others 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio.speech.voice_features import FRAMES_PER_S, VoiceFeatures, with_differences
from chalicelib.audio.speech.voice_model import voice_model

Array = NDArray[np.float64]
Labels = NDArray[np.intp]

MAX_SPEAKERS = 6

_FRAME_WEIGHT = 0.13
"""Neighbouring frames say the same: so much of a frame's evidence is new."""
_MERGE_AT_LEAST = -1.0
"""Gain of log-likelihood below which two stay apart."""
_LEAST_S, _LEAST_SHARE = 3.0, 0.02
"""Of speech, below which nobody is taken for a speaker of their own."""
_PAUSE_S = 0.25
_PHRASE_S = 2.2
"""Phrases end at pauses, and at this length."""
_MOST_PHRASES = 300
"""Clustering compares all pairs; in longer recordings the phrases with most speech stand for all."""
_STAY_AFTER_WORD, _STAY_AFTER_PAUSE = 0.95, 0.6
"""How likely the next word has the same speaker."""
_ROUNDS = 10


@dataclass(frozen=True)
class TimedWord:
    """A word of the recording, in seconds from its start."""

    start_s: float
    end_s: float


@dataclass(frozen=True)
class SpeakerLabel:
    """Who speaks a word."""

    word: TimedWord
    speaker: int
    """0 for the one who speaks first, 1 for the next …"""
    confidence: float
    """Posterior of the speaker, 0 … 1."""


@dataclass(frozen=True)
class _Evidence:
    """Of several stretches of speech: precision and vector of what they say of a speaker's place."""

    precision: Array
    """Shape (stretches, directions, directions)."""
    vector: Array
    """Shape (stretches, directions)."""

    def __getitem__(self, chosen: Labels | NDArray[np.bool_]) -> _Evidence:
        return _Evidence(self.precision[chosen], self.vector[chosen])

    def __add__(self, other: _Evidence) -> _Evidence:
        return _Evidence(self.precision + other.precision, self.vector + other.vector)

    def summed(self, groups: Labels, count: int) -> _Evidence:
        """Return one for each group."""
        precision = np.zeros((count, *self.precision.shape[1:]))
        vector = np.zeros((count, self.vector.shape[1]))
        np.add.at(precision, groups, self.precision)
        np.add.at(vector, groups, self.vector)
        return _Evidence(precision, vector)

    def log_likelihoods(self) -> Array:
        """Return how likely each is to come from one speaker, but for terms common to all clusterings."""
        whole = np.eye(self.vector.shape[1]) + self.precision
        place = np.linalg.solve(whole, self.vector[..., None])[..., 0]
        likelihoods: Array = 0.5 * (self.vector * place).sum(axis=1) - 0.5 * np.linalg.slogdet(whole)[1]
        return likelihoods


def diarized(words: Sequence[TimedWord], voices: VoiceFeatures) -> list[SpeakerLabel]:
    """Tell the speakers of a recording apart: one label for each word, in the order of the words.

    Args:
        words: in the order of their times.
        voices: gathered from the whole recording.
    """
    if not words:
        return []
    evidence = _evidence(words, voices)
    phrases = _phrases(words)
    lengths_s = np.array([word.end_s - word.start_s for word in words])
    labels = _renumbered(_clustered(evidence, phrases, lengths_s)[phrases])
    stay = np.where(_after_pauses(words), _STAY_AFTER_PAUSE, _STAY_AFTER_WORD)
    for _ in range(_ROUNDS):
        settled = _renumbered(_best_path(*_chain(evidence, labels, stay)))
        if np.array_equal(settled, labels):
            break
        labels = settled
    confidence = _posteriors(*_chain(evidence, labels, stay))[np.arange(len(words)), labels]
    return [
        SpeakerLabel(word, speaker, min(max(sure, 0.0), 1.0))
        for word, speaker, sure in zip(words, labels.tolist(), confidence.tolist(), strict=True)
    ]


def _evidence(words: Sequence[TimedWord], voices: VoiceFeatures) -> _Evidence:
    model = voice_model(voices.rate_hz)
    cepstra = voices.cepstra()
    word_of_frame = np.full(len(cepstra), -1, np.intp)
    for number, word in enumerate(words):
        start, end = round(word.start_s * FRAMES_PER_S), round(word.end_s * FRAMES_PER_S)
        word_of_frame[start : max(end, start + 1)] = number
    spoken = word_of_frame >= 0
    found = model.evidence(with_differences(cepstra, spoken), word_of_frame[spoken])
    # Words at the very end may have no frame of their own.
    missing = len(words) - len(found.moved)
    occupancy = np.pad(found.occupancy, ((0, missing), (0, 0))) * _FRAME_WEIGHT
    vector = np.pad(found.moved, ((0, missing), (0, 0))) * _FRAME_WEIGHT
    gaussians, _, directions = model.directions.shape
    precision = occupancy @ model.precisions.reshape(gaussians, -1)
    return _Evidence(precision.reshape(-1, directions, directions), vector)


def _after_pauses(words: Sequence[TimedWord]) -> NDArray[np.bool_]:
    starts, ends = np.array([word.start_s for word in words]), np.array([word.end_s for word in words])
    return np.concatenate([[True], starts[1:] - ends[:-1] >= _PAUSE_S])


def _phrases(words: Sequence[TimedWord]) -> Labels:
    """Return the number of the phrase that each word belongs to."""
    phrases, number, length_s = [], -1, 0.0
    for word, after_pause in zip(words, _after_pauses(words).tolist(), strict=True):
        if after_pause or length_s + word.end_s - word.start_s > _PHRASE_S:
            number, length_s = number + 1, 0.0
        phrases.append(number)
        length_s += word.end_s - word.start_s
    return np.array(phrases, np.intp)


def _clustered(evidence: _Evidence, phrases: Labels, lengths_s: Array) -> Labels:
    """Return the cluster of each phrase; `lengths_s` are those of words."""
    count = int(phrases[-1]) + 1
    of_phrases = evidence.summed(phrases, count)
    amount = np.trace(of_phrases.precision, axis1=1, axis2=2)
    chosen = np.sort(np.argsort(-amount, kind="stable")[:_MOST_PHRASES])
    amounts_s = np.bincount(phrases, lengths_s, count).astype(np.float64)
    clusters = _merged(of_phrases[chosen], amounts_s[chosen])
    speakers = of_phrases[chosen].summed(clusters, int(clusters.max()) + 1)
    labels: Labels = np.argmax(_expected_scores(of_phrases, speakers), axis=1)
    labels[chosen] = clusters
    return labels


def _merged(evidence: _Evidence, amounts_s: Array) -> Labels:
    """Merge stretches as long as it pays; return their clusters.

    In the end there are at most `MAX_SPEAKERS`, and none is so small that it is rather an odd sound.

    Args:
        evidence: of the stretches.
        amounts_s: how much speech each has.
    """
    count = len(evidence.vector)
    precision, vector = evidence.precision.copy(), evidence.vector.copy()
    likelihoods = evidence.log_likelihoods()
    clusters = np.arange(count)
    gains = np.full((count, count), -np.inf)

    def gains_with(one: int, others: Labels) -> Array:
        together = _Evidence(precision[one] + precision[others], vector[one] + vector[others])
        gained: Array = together.log_likelihoods() - likelihoods[one] - likelihoods[others]
        return gained

    for one in range(count - 1):
        gains[one, one + 1 :] = gains_with(one, np.arange(one + 1, count))
    alive = np.ones(count, np.bool_)
    amounts_s, least_s = amounts_s.copy(), max(_LEAST_S, _LEAST_SHARE * amounts_s.sum())
    while alive.sum() > 1:
        kept, gone = (int(place) for place in np.unravel_index(gains.argmax(), gains.shape))
        if gains[kept, gone] < _MERGE_AT_LEAST and alive.sum() <= MAX_SPEAKERS:
            smallest = int(np.where(alive, amounts_s, np.inf).argmin())
            if amounts_s[smallest] >= least_s:
                break
            partner = int(np.maximum(gains[smallest], gains[:, smallest]).argmax())
            kept, gone = min(smallest, partner), max(smallest, partner)
        amounts_s[kept] += amounts_s[gone]
        precision[kept] += precision[gone]
        vector[kept] += vector[gone]
        likelihoods[kept] = _Evidence(precision[[kept]], vector[[kept]]).log_likelihoods()[0]
        clusters[clusters == gone] = kept
        alive[gone] = False
        gains[gone, :] = gains[:, gone] = -np.inf
        others = np.flatnonzero(alive & (np.arange(count) != kept))
        gains[np.minimum(kept, others), np.maximum(kept, others)] = gains_with(kept, others)
    return np.unique(clusters, return_inverse=True)[1].astype(np.intp)


def _chain(evidence: _Evidence, labels: Labels, stay: Array) -> tuple[Array, Array]:
    """Return words as a hidden Markov chain of speakers, estimated from the labels.

    Returns:
        Each word's score under each speaker, shape (words, speakers), and the probability of each change of
        speaker before it, shape (words, speakers, speakers); the first word's come from their shares alone.
    """
    count = int(labels.max()) + 1
    scores = _expected_scores(evidence, evidence.summed(labels, count))
    share = np.bincount(labels, minlength=count) / len(labels)
    stay = np.where(np.arange(len(stay)) == 0, 0.0, stay)[:, None, None]
    return scores, (1 - stay) * share + stay * np.eye(count)


def _expected_scores(evidence: _Evidence, speakers: _Evidence) -> Array:
    """Return the expected log-likelihood of stretches under speakers, shape (stretches, speakers)."""
    spread = np.linalg.inv(np.eye(speakers.vector.shape[1]) + speakers.precision)
    places = np.einsum("sde,se->sd", spread, speakers.vector)
    second = spread + places[:, :, None] * places[:, None, :]
    directions = places.shape[1]
    costs = evidence.precision.reshape(-1, directions**2) @ second.reshape(-1, directions**2).T
    scores: Array = evidence.vector @ places.T - 0.5 * costs
    return scores


def _best_path(scores: Array, changes: Array) -> Labels:
    best = scores[0] + np.log(changes[0, 0])
    came_from = []
    for score, change in zip(scores[1:], changes[1:], strict=True):
        ways = best[:, None] + np.log(change)
        came_from.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + score
    path = [int(best.argmax())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1], np.intp)


def _posteriors(scores: Array, changes: Array) -> Array:
    """Return how likely each speaker is at each word, by the forward-backward algorithm."""
    likelihoods = np.exp(scores - scores.max(axis=1, keepdims=True))
    ahead, behind = np.empty_like(likelihoods), np.ones_like(likelihoods)
    now = changes[0, 0] * likelihoods[0]
    for word in range(len(scores)):
        if word:
            now = (now @ changes[word]) * likelihoods[word]
        now = ahead[word] = now / now.sum()
    for word in range(len(scores) - 1, 0, -1):
        back = changes[word] @ (likelihoods[word] * behind[word])
        behind[word - 1] = back / back.sum()
    posteriors: Array = ahead * behind
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    return posteriors


def _renumbered(labels: Labels) -> Labels:
    """Return the labels with speakers numbered as they come in."""
    _, first, places = np.unique(labels, return_index=True, return_inverse=True)
    numbers = np.argsort(np.argsort(first))
    return np.asarray(numbers[places], np.intp)
