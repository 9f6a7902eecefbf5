"""`keywords_result`: where keywords were spotted."""

from __future__ import annotations

from typing import Any

from chalicelib.engines.protocol import DecodedUtterance
from chalicelib.recognition.clock import Clock
from chalicelib.recognition.confidences import two_decimals
from chalicelib.recognition.options import Options


def keywords_result(
    decoded: DecodedUtterance, start_s: float, clock: Clock, options: Options
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
    found: dict[str, list[dict[str, Any]]] = {}
    for keyword in options.keywords:
        matches = []
        for hit in hits:
            if hit.keyword == normalised(keyword):
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


def normalised(keyword: str) -> str:
    """Return a keyword as engines know it: lower case, one space between words."""
    return " ".join(keyword.lower().split())
