"""Hypotheses of utterances to Watson's `SpeechRecognitionResults`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.engines.protocol import DecodedUtterance, Word
from chalicelib.recognition.options import Options

HESITATION = "%HESITATION"
_HESITATIONS = frozenset({"uh", "uhh", "um", "umm", "uhm", "hm", "hmm", "mm", "erm"})


@dataclass(frozen=True)
class RecognizedUtterance:
    """What was heard in one utterance; its times count from `start_s`."""

    start_s: float
    """Where the decoded samples begin in the recording."""
    decoded: DecodedUtterance


def assemble(
    utterances: Iterable[RecognizedUtterance], duration_s: float, options: Options
) -> dict[str, Any]:
    """Return the answer's body for a recording of `duration_s` seconds.

    Utterances come in the order of the recording; those in which nothing was said leave no trace. Times are
    seconds in the recording with two decimals, never run backwards and never lie outside of it.
    """
    clock = _Clock(duration_s)
    results = []
    for utterance in utterances:
        hypotheses = utterance.decoded.hypotheses
        if hypotheses and hypotheses[0].words:
            results.append({"final": True, "alternatives": _alternatives(utterance, clock, options)})
    return {"result_index": 0, "results": results}


class _Clock:
    """Keeps the times of successive words in order and inside the recording."""

    def __init__(self, duration_s: float) -> None:
        self._last_s = 0.0
        self._limit_s = math.floor(duration_s * 100) / 100

    def read(self, time_s: float) -> float:
        self._last_s = max(self._last_s, min(round(time_s, 2), self._limit_s))
        return self._last_s


def _alternatives(utterance: RecognizedUtterance, clock: _Clock, options: Options) -> list[dict[str, Any]]:
    best = utterance.decoded.hypotheses[0]
    first: dict[str, Any] = {
        "transcript": _transcript(best.words),
        "confidence": _two_decimals(sum(word.posterior for word in best.words) / len(best.words)),
    }
    times = [
        [
            _spelled(word),
            clock.read(utterance.start_s + word.start_s),
            clock.read(utterance.start_s + word.end_s),
        ]
        for word in best.words
    ]
    if options.timestamps:
        first["timestamps"] = times
    if options.word_confidence:
        first["word_confidence"] = [[_spelled(word), _two_decimals(word.posterior)] for word in best.words]
    transcripts = dict.fromkeys(
        _transcript(reading.words) for reading in utterance.decoded.hypotheses if reading.words
    )
    others = [transcript for transcript in transcripts if transcript != first["transcript"]]
    return [first, *({"transcript": transcript} for transcript in others[: options.max_alternatives - 1])]


def _transcript(words: Sequence[Word]) -> str:
    """Return the words, each followed by one space, as Watson writes them."""
    return "".join(f"{_spelled(word)} " for word in words)


def _spelled(word: Word) -> str:
    return HESITATION if word.text.lower() in _HESITATIONS else word.text


def _two_decimals(probability: float) -> float:
    return round(min(max(probability, 0.0), 1.0), 2)
