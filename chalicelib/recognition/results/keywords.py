"""`keywords_result`: where keywords were spotted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.engines.protocol import DecodedUtterance, KeywordHit
from chalicelib.recognition.request.keyword_forms import forms
from chalicelib.recognition.request.languages import is_english
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.clock import WordClock
from chalicelib.recognition.results.confidences import two_decimals


def keywords_result(
    decoded: DecodedUtterance, start_s: float, clock: WordClock, options: Options
) -> dict[str, list[dict[str, Any]]]:
    """Return the matches of each keyword, by the keyword as the client wrote it; one without any is left out.

    Args:
        decoded: what was heard, with times that count from `start_s`.
        start_s: in the recording.
        clock: of the recording.
        options: the keywords, and the confidence that a match must reach.
    """
    threshold = options.keywords_threshold
    if threshold is None:
        return {}
    hits = [hit for hit in decoded.keywords if hit.posterior >= threshold]
    english = is_english(options.model)
    found: dict[str, list[dict[str, Any]]] = {}
    for keyword in options.keywords:
        matches = []
        for hit in _apart(hits, forms(keyword, english=english)):
            hit_start_s, hit_end_s = clock.place(start_s + hit.start_s, start_s + hit.end_s)
            matches.append(
                {
                    "normalized_text": hit.keyword,
                    "start_time": hit_start_s,
                    "end_time": hit_end_s,
                    "confidence": two_decimals(hit.posterior),
                }
            )
        if matches:
            found[keyword] = matches
    return found


def asked(options: Options) -> tuple[str, ...]:
    """Return the phrases that an engine looks for: every form of every keyword."""
    english = is_english(options.model)
    return tuple(
        dict.fromkeys(form for keyword in options.keywords for form in forms(keyword, english=english))
    )


def _apart(hits: Sequence[KeywordHit], phrases: Sequence[str]) -> list[KeywordHit]:
    """Return the hits of phrases that mean the same, in their order; of those that overlap the surest.

    Of equally sure ones it is the last form: the one that has the words as they were said.
    """
    rank = {phrase: place for place, phrase in enumerate(phrases)}
    mine = [hit for hit in hits if hit.keyword in rank]
    chosen: list[KeywordHit] = []
    for hit in sorted(mine, key=lambda hit: (hit.posterior, rank[hit.keyword]), reverse=True):
        if all(hit.end_s <= other.start_s or other.end_s <= hit.start_s for other in chosen):
            chosen.append(hit)
    return [hit for hit in mine if hit in chosen]
