"""An utterance that is recognised only as a whole, for any engine: what is fed is kept until it is over."""

from __future__ import annotations

import numpy as np

from chalicelib.engines.protocol import (
    DEFAULT_OPTIONS,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Recognizer,
    Samples,
)

_FIRST_PARTIAL_S = 1.0


class CollectedStream:
    """An utterance whose recogniser cannot go along with it.

    Partial results come less and less often, so that they cost no more than a few times the whole.
    """

    decodes_along = False

    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._blocks: list[Samples] = []
        self._heard = 0
        self._next = int(_FIRST_PARTIAL_S * recognizer.sample_rate_hz)
        self._partial = Hypothesis((), 0.0)

    def feed(self, samples: Samples) -> None:
        """Take the samples that follow those before."""
        self._blocks.append(samples)
        self._heard += len(samples)

    def partial(self) -> Hypothesis:
        """Return the best reading of most of what was said so far, its posterior 0."""
        if self._heard >= self._next:
            self._next = 2 * self._heard
            found = self.finish().hypotheses
            self._partial = Hypothesis(found[0].words if found else (), 0.0)
        return self._partial

    def finish(self, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Return what `recognize` gives for all the samples."""
        samples = np.concatenate([np.empty(0, np.float32), *self._blocks])
        return self._recognizer.recognize(samples, options)
