"""Keywords in what a network hears: as they are said, across a cut, and where other words sound like them.

A keyword on no reading may still have been said. Where the best reading sounds like it, the network scores
the text with the keyword in that place: as good a text as the first was perhaps said as well.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence

import numpy as np

from chalicelib.engines import n_best
from chalicelib.engines.protocol import Hypothesis, KeywordHit
from chalicelib.engines.whisper.decoding.alignment import aligned_words
from chalicelib.engines.whisper.decoding.left_out import WindowPiece
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.text.wording import spoken_words
from chalicelib.language.pronunciation.near_sounding import NearSoundingPlace, SoundIndex
from chalicelib.language.pronunciation.pronunciations import Unpronounceable, guess

MOST_TRIED = 4
"""Keywords that are scored in one window, those that sound most alike: each takes a tenth of a search."""
FARTHEST = 0.3
"""How different, per phone, words may sound that are tried as a keyword."""
_MOST_LETTERS = 5
"""A keyword of so many letters that is no common word may be said letter by letter."""
_BIAS, _GAIN, _DISTANCE = 0.5, 0.3, 16.0
"""Of the logistic function of the gain and the distance.

Fitted to 144 utterances of AN4's training half, clean, by telephone and in noise at 5 dB, its 69 words as
keywords: of 40 that were said and on no sure reading, 7 are surer than one half, and none that was not said;
nor is any of 27 words in 43 telephone prompts. The gain counts for more than was fitted, for homophones.
"""
_SURE = 0.5
"""What is surer on the readings is not looked for by its sound."""


def ways(network: Network, keyword: str) -> list[tuple[str, ...]]:
    """Return the words that a keyword, in lower case, may be heard as; how it is written is one way."""
    tokens = tuple(keyword.split())
    if not network.is_english:
        return [tokens]
    said = tuple(spoken_words(keyword))
    letters = [
        part
        for token in tokens
        for part in (spoken_words(token.upper()) if _is_uncommon(network, token) else spoken_words(token))
    ]
    return [way for way in dict.fromkeys([tokens, said, tuple(letters)]) if way]


def hits(
    network: Network,
    pieces: Sequence[WindowPiece],
    heard: Sequence[Sequence[Hypothesis]],
    keywords: Sequence[str],
) -> tuple[KeywordHit, ...]:
    """Return where keywords were perhaps spoken in an utterance, in the order of time.

    Args:
        network: what has decoded it.
        pieces: of the utterance.
        heard: the readings of each piece, best first; empty where nothing was said.
        keywords: phrases in lower case, words separated by single spaces.
    """
    meant = {keyword: ways(network, keyword) for keyword in keywords}
    found: list[KeywordHit] = []
    for piece, readings in zip(pieces, heard, strict=True):
        if not readings:
            continue
        own = n_best.keyword_hits(readings, keywords, meant.__getitem__)
        sure = {hit.keyword for hit in own if hit.posterior >= _SURE}
        unsure = {keyword: meant[keyword] for keyword in keywords if keyword not in sure}
        tried = _alike(network, piece, readings[0], unsure) if network.is_english and unsure else ()
        found += _surest([*own, *tried])
    said = [(piece.start_s, readings) for piece, readings in zip(pieces, heard, strict=True) if readings]
    for (_, left), (cut_s, right) in itertools.pairwise(said):
        found += _across(left, right, cut_s, meant)
    return tuple(sorted(found, key=lambda hit: (hit.start_s, hit.end_s)))


def _across(
    left: Sequence[Hypothesis],
    right: Sequence[Hypothesis],
    cut_s: float,
    meant: dict[str, list[tuple[str, ...]]],
) -> Iterator[KeywordHit]:
    """Yield the phrases that begin in one piece and end in the next."""
    phrases = [keyword for keyword, sequences in meant.items() if any(len(one) > 1 for one in sequences)]
    longest = max((len(one) for keyword in phrases for one in meant[keyword]), default=0) - 1
    if longest < 1:
        return
    joined = [
        Hypothesis((*before.words[-longest:], *after.words[:longest]), before.posterior * after.posterior)
        for before in left
        for after in right
    ]
    for hit in n_best.keyword_hits(joined, phrases, meant.__getitem__):
        if hit.start_s < cut_s < hit.end_s:
            yield hit


def _alike(
    network: Network, piece: WindowPiece, best: Hypothesis, meant: dict[str, list[tuple[str, ...]]]
) -> Iterator[KeywordHit]:
    """Yield keywords that the best reading sounds like, as sure as the network finds their text likely."""
    words = [word.text for word in best.words]
    index = SoundIndex(
        [(keyword, [_phones_of(way) for way in sequences]) for keyword, sequences in meant.items()]
    )
    places: dict[str, NearSoundingPlace] = {}
    for place in index.places([_phones(word).split() for word in words], FARTHEST):
        places.setdefault(place.word, place)
    tried = list(places.values())[:MOST_TRIED]
    if not tried:
        return
    first = _chance(network, piece, words)
    for place in tried:
        way = list(meant[place.word][-1])
        text = [*words[: place.first], *way, *words[place.last + 1 :]]
        if text == words:
            continue  # it is there, as sure as its word
        aligned = aligned_words(network, piece.decoded.encoded, text, piece.samples)
        gain = math.fsum(chance for of_word in aligned.log_probabilities for chance in of_word) - first
        start_s, end_s = aligned.spans[place.first, 0], aligned.spans[place.first + len(way) - 1, 1]
        posterior = probability(gain, place.distance)
        if posterior >= n_best.LEAST_POSTERIOR:
            yield KeywordHit(
                place.word, piece.start_s + float(start_s), piece.start_s + float(end_s), posterior
            )


def _surest(hits: Sequence[KeywordHit]) -> list[KeywordHit]:
    """Return the surest hit of each keyword wherever several overlap."""
    kept: list[KeywordHit] = []
    for hit in sorted(hits, key=lambda hit: -hit.posterior):
        if not any(hit.keyword == one.keyword and _overlap(hit, one) for one in kept):
            kept.append(hit)
    return kept


def _overlap(one: KeywordHit, other: KeywordHit) -> bool:
    return one.start_s < other.end_s and other.start_s < one.end_s


def probability(gain: float, distance: float) -> float:
    """Return the probability in 0…1 that a keyword was said where the best reading has something like it.

    Args:
        gain: by how much the logarithm of the text with the keyword is above that of the best reading.
        distance: between their sounds, per phone.
    """
    odds = _BIAS + _GAIN * gain - _DISTANCE * distance
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def _chance(network: Network, piece: WindowPiece, words: Sequence[str]) -> float:
    decoded = piece.decoded
    aligned = decoded.aligned or aligned_words(network, decoded.encoded, words, piece.samples)
    return float(np.sum([chance for of_word in aligned.log_probabilities for chance in of_word]))


def _is_uncommon(network: Network, token: str) -> bool:
    """Tell whether a token is no word that the network writes in one piece."""
    return token.isalpha() and 1 < len(token) <= _MOST_LETTERS and len(network.tokens.encode(f" {token}")) > 1


def _phones_of(words: Sequence[str]) -> str:
    return " ".join(filter(None, map(_phones, words)))


@functools.lru_cache(maxsize=4096)
def _phones(word: str) -> str:
    try:
        return guess(word)[0] if word else ""
    except Unpronounceable:
        return ""
