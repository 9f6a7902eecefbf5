"""An utterance recognised while it is being spoken, with the words that it would have as a whole."""

from __future__ import annotations

import numpy as np

from chalicelib.engines.display import Display, shown_hypothesis
from chalicelib.engines.protocol import (
    DEFAULT_OPTIONS,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Samples,
)
from chalicelib.engines.sphinx.acoustics.acoustic_model import CHANNEL_FRAMES, AcousticBase, Channel
from chalicelib.engines.sphinx.acoustics.features import Array, LogMelStream
from chalicelib.engines.sphinx.answer import answer, spoken
from chalicelib.engines.sphinx.decoder import SphinxDecoder

GUESSED_AFTER_FRAMES = (50, 150)
"""When the channel is guessed from less, for partial results; the search then begins anew."""
STEP_FRAMES = 10
"""The search goes on in steps of at least so many frames."""


class SphinxStream:
    """One utterance.

    As long as its channel is not known for good, the search is for partial results alone, and only made if
    somebody asks for them; an utterance that ends before is decoded as a whole. Then the search begins anew,
    keeps up with what is fed, and its result is the final one.
    """

    decodes_along = True

    def __init__(self, base: AcousticBase, decoder: SphinxDecoder, display: Display) -> None:
        self._base = base
        self._decoder = decoder
        self._display = display
        self._front_end = LogMelStream(base.rate_hz)
        self._spectrum = np.empty((0, self._front_end.bands))
        self._channel: Channel | None = None
        self._channel_frames = 0
        self._searched = 0
        self._partial_wanted = False
        decoder.end()

    def feed(self, samples: Samples) -> None:
        """Take the samples that follow those before."""
        self._spectrum = np.concatenate([self._spectrum, self._front_end.feed(samples)])
        if self._partial_wanted or len(self._spectrum) >= CHANNEL_FRAMES:
            self._search()

    def partial(self) -> Hypothesis:
        """Return the best reading so far, its posteriors all 0."""
        if not self._partial_wanted:
            self._partial_wanted = True
            self._search()
        if self._channel is None:
            return Hypothesis((), 0.0)
        return shown_hypothesis(Hypothesis(spoken(self._decoder.best()), 0.0), self._display)

    def finish(self, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Return what `recognize` gives for all the samples."""
        self._spectrum = np.concatenate([self._spectrum, self._front_end.finish()])
        if len(self._spectrum) >= CHANNEL_FRAMES:
            self._search(to_the_end=True)
            self._decoder.end()
            segments = self._decoder.best()
        else:
            channel = self._base.channel(self._spectrum)
            raw = self._base.raw_cepstra(self._spectrum, channel)
            segments = self._decoder.decode(channel.removed(raw)[0])
        return answer(self._decoder, segments, options, self._display)

    def _search(self, *, to_the_end: bool = False) -> None:
        heard = len(self._spectrum)
        known = max(
            (frames for frames in (*GUESSED_AFTER_FRAMES, CHANNEL_FRAMES) if frames <= heard), default=0
        )
        if known > self._channel_frames:
            self._channel, self._channel_frames = self._base.channel(self._spectrum), known
            self._decoder.begin()
            self._searched = 0
        ready = heard if to_the_end else heard - self._base.context
        if self._channel is not None and (to_the_end or ready - self._searched >= STEP_FRAMES):
            raw = self._raw_cepstra(self._searched, ready, self._channel)
            normalised, self._channel = self._channel.removed(raw)
            self._decoder.feed(normalised)
            self._searched = ready

    def _raw_cepstra(self, start: int, stop: int, channel: Channel) -> Array:
        """Return frames `start` to `stop`, for which their neighbours are looked at."""
        first = max(0, start - self._base.context)
        seen = self._base.raw_cepstra(self._spectrum[first : stop + self._base.context], channel)
        return seen[start - first : stop - first]
