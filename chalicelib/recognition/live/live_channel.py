"""One channel of a live request: where its utterances are, and which of them wait for their words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from chalicelib.engines.protocol import Samples
from chalicelib.recognition.audio.utterances import MARGIN_S, Cutting, UtteranceFinder, UtterancePiece
from chalicelib.recognition.live.live_utterance import LiveUtterance


class LiveChannel:
    """Cuts mono audio into utterances as it comes. Used by one thread at a time."""

    def __init__(
        self,
        number: int | None,
        rate_hz: int,
        cutting: Cutting,
        *,
        begun: Callable[[LiveChannel, float], LiveUtterance],
        over: Callable[[LiveChannel, LiveUtterance], None],
    ) -> None:
        """Begin a channel.

        Args:
            number: from 0; None: channels are not kept apart.
            rate_hz: of the samples.
            cutting: what separates utterances.
            begun: makes the utterance that begins at so many seconds.
            over: is told of each utterance when its audio has ended, just before that hears of it.
        """
        self.number = number
        self.utterances: deque[LiveUtterance] = deque()
        """In order; those that are being spoken or wait for their words. Under the request's lock."""
        self.transcribed_s = 0.0
        """Up to here words were found."""
        self._rate_hz = rate_hz
        self._finder = UtteranceFinder(rate_hz, cutting)
        self._kept: Samples = np.empty(0, np.float32)
        self._kept_from = 0
        self._open: LiveUtterance | None = None
        self._begun = begun
        self._over = over

    @property
    def silence_s(self) -> float:
        """How long nobody has spoken by now."""
        return self._finder.silence_s

    def hear(self, block: Samples) -> list[UtterancePiece]:
        """Take the next samples and return what belongs to utterances by now, for `take`."""
        self._kept = np.concatenate([self._kept, block])
        return self._finder.feed(block)

    def finish(self) -> list[UtterancePiece]:
        """Take note that there are no more samples, and return the last pieces, for `take`."""
        return self._finder.finish()

    def take(self, piece: UtterancePiece) -> None:
        """Give a piece to its utterance. To be called for each of them, in order.

        Raises:
            decoders.NoCapacity: too many utterances wait for a process already.
        """
        if self._open is None:
            if piece.end == piece.start:
                return
            self._open = self._begun(self, piece.start / self._rate_hz)
        samples = self._kept[piece.start - self._kept_from : piece.end - self._kept_from]
        if len(samples):
            self._open.add(samples.copy())
        if piece.ending is not None:
            utterance, self._open = self._open, None
            self._over(self, utterance)
            utterance.end(piece.end / self._rate_hz, piece.ending)

    def settle(self) -> None:
        """After all pieces were taken: have words found in a pause, and forget what is not needed any more.

        Raises:
            decoders.NoCapacity: too many utterances wait for a process already.
        """
        if self._open is not None and self._finder.silence_s >= MARGIN_S:
            self._open.pause()
        needless = self._finder.earliest_needed - self._kept_from
        if needless > 0:
            self._kept = self._kept[needless:]
            self._kept_from += needless
