"""`character_insertion_bias`: longer or shorter readings are preferred among those that the engine found."""

from __future__ import annotations

import math
from collections.abc import Sequence

from chalicelib.engines.protocol import Hypothesis
from chalicelib.recognition.request.options import Options

_READINGS = 20
"""Among so many readings of an utterance one is chosen."""
_NATS_PER_CHARACTER = 0.5
"""At a bias of 1 two characters more are worth as much as being e times as likely."""


def readings_needed(options: Options) -> int:
    """Return how many readings must be there to choose from."""
    return _READINGS if options.character_insertion_bias else 1


def ranked(readings: Sequence[Hypothesis], options: Options) -> tuple[Hypothesis, ...]:
    """Return the readings, best first under the bias of the request; equals keep their order."""
    bias = options.character_insertion_bias * _NATS_PER_CHARACTER
    if not bias:
        return tuple(readings)
    return tuple(sorted(readings, key=lambda reading: -_score(reading, bias)))


def _score(reading: Hypothesis, bias: float) -> float:
    return math.log(max(reading.posterior, 1e-300)) + bias * len(reading.text)
