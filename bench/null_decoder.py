"""A decoding process whose engine says one word of everything: what is left is the cost of all the rest."""

from __future__ import annotations

import sys

from chalicelib.engines.protocol import (
    BASE_ALONE,
    DEFAULT_OPTIONS,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Samples,
    UtteranceStream,
    Word,
)
from chalicelib.recognition.decoding import decoder_process

_SAID = Hypothesis((Word("word", 0.0, 0.1, 1.0),), 1.0)


class NullEngine:
    """Recogniser and stream in one."""

    sample_rate_hz = 16_000
    size_bytes = 1_000
    decodes_along = True

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Say the word."""
        return DecodedUtterance((_SAID,))

    def stream(self) -> UtteranceStream:
        """Begin."""
        return self

    def feed(self, samples: Samples) -> None:
        """Do nothing."""

    def partial(self) -> Hypothesis:
        """Say the word."""
        return _SAID

    def finish(self, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Say the word."""
        return DecodedUtterance((_SAID,))


def _load(base_version: str, custom: CustomModels = BASE_ALONE) -> NullEngine:
    return NullEngine()


if __name__ == "__main__":
    sys.exit(decoder_process.main(sys.argv[1:], _load))
