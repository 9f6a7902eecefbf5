"""A decoding process that says how many tenths of a second it was given: for tests of streams, not of an engine."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np

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

RATE_HZ = 16_000
DEADLY = 0.99
"""A sample of this value ends the process."""
SLOW = 0.97
"""A sample of this value takes a second and a half."""


def reading(samples: Samples) -> Hypothesis:
    if (np.abs(samples - DEADLY) < 1e-3).any():
        os.kill(os.getpid(), signal.SIGKILL)
    if (np.abs(samples - SLOW) < 1e-3).any():
        time.sleep(1.5)
    length_s = len(samples) / RATE_HZ
    return Hypothesis((Word(f"t{round(10 * length_s)}", 0.0, length_s, 0.9),), 0.9)


class Echo:
    sample_rate_hz = RATE_HZ
    size_bytes = 1_000

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        return DecodedUtterance((reading(samples),))

    def stream(self) -> UtteranceStream:
        return EchoStream()


class EchoStream:
    decodes_along = True

    def __init__(self) -> None:
        self._samples: Samples = np.empty(0, np.float32)

    def feed(self, samples: Samples) -> None:
        self._samples = np.concatenate([self._samples, samples])

    def partial(self) -> Hypothesis:
        return reading(self._samples)

    def finish(self, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        return DecodedUtterance((reading(self._samples),))


def load(base_version: str, custom: CustomModels = BASE_ALONE) -> Echo:
    return Echo()


if __name__ == "__main__":
    sys.exit(decoder_process.main(sys.argv[1:], load))
