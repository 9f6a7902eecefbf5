"""A decoding process whose engine says one word of everything: what is left is the cost of all the rest."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

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
from chalicelib.recognition.decoder_worker import serve, start

_SAID = Hypothesis((Word("word", 0.0, 0.1, 1.0),), 1.0)


class NullEngine:
    """Recogniser and stream in one."""

    sample_rate_hz = 16_000

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


def main(argv: list[str]) -> int:
    """Serve the connection with the given file descriptor, for the parent with the given process id."""
    if not start(parent=int(argv[1])):
        return 1
    with Connection(int(argv[0])) as connection:
        serve(connection, _load)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
