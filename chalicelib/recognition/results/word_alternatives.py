"""`word_alternatives`: what else may have been said at each place."""

from __future__ import annotations

from typing import Any

from chalicelib.engines.protocol import WordSlot
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.clock import WordClock
from chalicelib.recognition.results.confidences import two_decimals
from chalicelib.recognition.results.transcripts import spelled


def word_alternatives(
    slots: tuple[WordSlot, ...], start_s: float, clock: WordClock, options: Options
) -> list[dict[str, Any]]:
    """Return the places at which a word reaches `word_alternatives_threshold`, each with those words.

    Args:
        slots: of one utterance; their times count from `start_s`.
        start_s: in the recording.
        clock: of the recording.
        options: the threshold, and how words are spelled.
    """
    threshold = options.word_alternatives_threshold
    if threshold is None:
        return []
    places = []
    for slot in slots:
        posteriors: dict[str, float] = {}
        for text, posterior in slot.alternatives:
            # All hesitations are one, and so is everything that must not be shown.
            posteriors[spelled(text, options)] = posteriors.get(spelled(text, options), 0.0) + posterior
        likeliest = sorted(posteriors.items(), key=lambda one: -one[1])
        words = [
            {"confidence": two_decimals(posterior), "word": word}
            for word, posterior in likeliest
            if posterior >= threshold
        ]
        if words:
            slot_start_s, slot_end_s = clock.place(start_s + slot.start_s, start_s + slot.end_s)
            places.append({"start_time": slot_start_s, "end_time": slot_end_s, "alternatives": words})
    return places
