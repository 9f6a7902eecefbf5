"""One utterance of a live request, decoded while it is being spoken."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future

from chalicelib.engines.catalogue import base_version
from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, Samples
from chalicelib.recognition.audio.utterances import Ending
from chalicelib.recognition.decoding.decoders import Speaking
from chalicelib.recognition.decoding.fetched_model import FetchedModel
from chalicelib.recognition.function import transcription
from chalicelib.recognition.request.options import Options

_MOST_REDONE_S = 10.0
"""When more was decoded in vain, pauses of this utterance are waited for: speech with many would be decoded
over and over."""
_DECODED_ALONG_S = 5.0
"""What an engine decodes along with speech is up to date after so long, and soon concluded at its end."""


class LiveUtterance:
    """One utterance, from its first sound to its words."""

    def __init__(
        self,
        start_s: float,
        model: FetchedModel,
        options: Options,
        pool: Speaking,
        *,
        settle: Callable[[], None],
        said: Callable[[LiveUtterance], None],
    ) -> None:
        """Begin an utterance.

        Args:
            start_s: in the request's audio.
            model: what recognises.
            options: of the request.
            pool: decodes.
            settle: called from any thread when an answer is there.
            said: called from other threads when there is another `partial`.

        Raises:
            decoders.NoCapacity: too many utterances wait for a process already.
        """
        self.start_s = start_s
        self.end_s = start_s
        """Known once there is an `ending`."""
        self.ending: Ending | None = None
        """None: it is being spoken."""
        self.answer: Future[DecodedUtterance] | None = None
        """Of what was spoken so far, perhaps all of it."""
        self.partial: Hypothesis | None = None
        """The best reading so far; it has words."""
        self._wanted = transcription.decoding_options(options)
        self._settle = settle
        self._said = said
        self._rate_hz = base_version(model.base_version).rate_hz
        self._heard_s = self._redone_s = 0.0
        on_partial = self._on_partial if options.interim_results else None
        self._spoken = pool.speak(model.base_version, model.custom, on_partial)

    def add(self, samples: Samples) -> None:
        """Take the next samples."""
        if self.answer is not None:
            self.answer = None  # feeding withdraws it
            self._redone_s += self._heard_s
        self._heard_s += len(samples) / self._rate_hz
        self._spoken.feed(samples)

    def pause(self) -> None:
        """Have the words found already, for a pause has begun. If speech goes on, `add` takes it back.

        Raises:
            decoders.NoCapacity: as `conclude`.
        """
        up_to_date = self._spoken.decodes_along and self._heard_s > _DECODED_ALONG_S
        if not up_to_date and self._redone_s <= _MOST_REDONE_S:
            self.conclude()

    def conclude(self) -> None:
        """Have the words found.

        Raises:
            decoders.NoCapacity: too many utterances wait for a process already.
        """
        if self.answer is not None:
            return
        self.answer = self._spoken.conclude(self._wanted)
        self.answer.add_done_callback(lambda _: self._settle())

    def end(self, end_s: float, ending: Ending) -> None:
        """Take note that it is over, and how it came to that.

        Raises:
            decoders.NoCapacity: as `conclude`.
        """
        self.conclude()
        self.end_s, self.ending = end_s, ending
        assert self.answer is not None
        self.answer.add_done_callback(lambda _: self.close())
        self._settle()

    def close(self) -> None:
        """Let its process go."""
        self._spoken.close()

    def _on_partial(self, partial: Hypothesis) -> None:
        if partial.words and partial != self.partial:
            self.partial = partial
            self._said(self)
