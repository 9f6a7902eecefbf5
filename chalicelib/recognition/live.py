"""One request of a stream: audio in as it is spoken, Watson's results out as soon as they are known."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from typing import Any

import numpy as np

from chalicelib.audio import content_types
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.streaming import StreamingDecoder
from chalicelib.engines import catalogue
from chalicelib.engines.protocol import Samples
from chalicelib.recognition import transcription
from chalicelib.recognition.decoders import DecoderPool
from chalicelib.recognition.inactivity import NoSpeech
from chalicelib.recognition.live_answer import LiveAnswer
from chalicelib.recognition.live_model import LiveModel
from chalicelib.recognition.live_utterance import LiveUtterance
from chalicelib.recognition.observation import Observation
from chalicelib.recognition.options import Options
from chalicelib.recognition.results import RecognizedUtterance
from chalicelib.recognition.utterances import MARGIN_S, Piece, UtteranceFinder

BEHIND_UTTERANCES = 4
"""When so many that are over wait for their words, no more audio should be taken."""
_STEP_S = 0.1
"""Pauses are looked for so often."""


_CONTENT_TYPE = ("content-type", "content_type")
"""The spelling of the documentation, and that of some of IBM's SDKs."""


def description(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a `start` message that say what the audio is; null: it is to be detected."""
    return {name: message[name] for name in _CONTENT_TYPE if name in message}


def content_type(message: Mapping[str, Any]) -> ContentType | None:
    """Return what a `start` message says of the audio, in either spelling; None: it is to be detected.

    Raises:
        audio.content_types.ContentTypeError: it cannot be used.
    """
    said = next((message[name] for name in _CONTENT_TYPE if message.get(name)), None)
    return None if said is None else content_types.of_recognition(str(said), None)


class LiveRequest:
    """One request. `feed` and `finish` work; all else returns at once and may be called at any time."""

    def __init__(
        self,
        said: ContentType | None,
        model: LiveModel,
        options: Options,
        *,
        warnings: tuple[str, ...],
        pool: DecoderPool,
        wake: Callable[[], None],
    ) -> None:
        """Take what the request asks for.

        Args:
            said: what the audio is said to be; None: to be detected.
            model: what recognises.
            options: of the request; of its models nothing is used.
            warnings: that go with the first results.
            pool: decodes.
            wake: called from other threads when there may be something to take, or more audio is wanted.
        """
        self._model = model.asked(options)
        self._options = options
        self._pool = pool
        self._wake = wake
        self._rate_hz = catalogue.base_version(model.base_version).rate_hz
        least_rate_hz = catalogue.base_model_of_version(model.base_version).least_rate_hz
        self._decoder = StreamingDecoder(said, self._rate_hz, least_rate_hz=least_rate_hz)
        self._finder = UtteranceFinder(self._rate_hz, transcription.cutting(options))
        self._kept: Samples = np.empty(0, np.float32)
        self._kept_from = 0
        self._samples = 0
        self._lock = threading.RLock()
        self._utterances: deque[LiveUtterance] = deque()
        """In order; those that are being spoken or wait for their words."""
        self._open: LiveUtterance | None = None
        self._answer = LiveAnswer(options, warnings)
        self._observation = Observation(self._rate_hz, options)
        self._fed_bytes, self._fed_s = 0, 0.0
        self._transcribed_s = 0.0
        self._finished = False
        self._ending = False
        """The rest is being said."""
        self._closed = False
        self._error: Exception | None = None

    @property
    def behind(self) -> bool:
        """So many utterances wait for their words that no more audio should be fed."""
        return len(self._utterances) >= BEHIND_UTTERANCES

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the audio.

        Raises:
            audio.errors.AudioError: they cannot be used.
            NoSpeech: nobody has spoken for the request's inactivity timeout.
            decoders.NoCapacity: too many utterances wait for a process already.
        """
        for samples in self._decoder.feed(data):
            self._hear(samples)
            self._check_silence()
        with self._lock:
            self._fed_bytes, self._fed_s = self._fed_bytes + len(data), self._duration_s

    def finish(self) -> None:
        """Take note that all audio was fed.

        Raises:
            audio.errors.AudioError, decoders.NoCapacity: as `feed`.
        """
        for samples in self._decoder.finish():
            self._hear(samples)
        self._take_pieces(self._finder.finish())
        with self._lock:
            self._finished = True
        self._settle()

    def take(self) -> list[dict[str, Any]]:
        """Return the messages that can be sent by now, in order.

        Raises:
            decoders.DecodingFailed, engines.errors.ModelUnreadable: there will be no more.
        """
        with self._lock:
            if self._error is not None:
                raise self._error
            return self._answer.take()

    @property
    def complete(self) -> bool:
        """Everything was said about all of the audio, and taken."""
        with self._lock:
            return self._finished and not self._utterances and not self._answer.pending

    def progress(self, received_bytes: int) -> dict[str, float]:
        """Return Watson's `processed_audio`, in seconds; so many bytes came, fed or to be fed."""
        with self._lock:
            heard_s = self._duration_s
            s_per_byte = self._fed_s / self._fed_bytes if self._fed_bytes else 0.0
            reached_s = self._transcribed_s if self._utterances else heard_s
            self._transcribed_s = max(self._transcribed_s, reached_s)
            return {
                "received": round(max(heard_s, received_bytes * s_per_byte), 2),
                "seen_by_engine": round(heard_s, 2),
                "transcription": round(min(self._transcribed_s, heard_s), 2),
            }

    def close(self) -> None:
        """Let go of processes and threads; not during `feed` or `finish`."""
        self._decoder.close()
        with self._lock:
            self._closed = True
            utterances, self._utterances = list(self._utterances), deque()
        for utterance in utterances:
            utterance.close()

    def _hear(self, samples: Samples) -> None:
        step = round(_STEP_S * self._rate_hz)
        for start in range(0, len(samples), step):
            block = samples[start : start + step]
            self._samples += len(block)
            self._observation.feed(block)
            self._kept = np.concatenate([self._kept, block])
            self._take_pieces(self._finder.feed(block))
            if self._open is not None and self._finder.silence_s >= MARGIN_S:
                self._open.pause()
            needless = self._finder.earliest_needed - self._kept_from
            if needless > 0:
                self._kept = self._kept[needless:]
                self._kept_from += needless

    def _check_silence(self) -> None:
        timeout_s = self._options.inactivity_timeout
        if timeout_s > 0 and self._finder.silence_s >= timeout_s:
            raise NoSpeech(timeout_s)

    def _take_pieces(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if self._open is None:
                if piece.end == piece.start:
                    continue
                self._open = self._begun(piece.start)
            samples = self._kept[piece.start - self._kept_from : piece.end - self._kept_from]
            if len(samples):
                self._open.add(samples.copy())
            if piece.ending is not None:
                utterance, self._open = self._open, None
                utterance.end(piece.end / self._rate_hz, piece.ending)

    def _begun(self, start: int) -> LiveUtterance:
        utterance = LiveUtterance(
            start / self._rate_hz,
            self._model,
            self._options,
            self._pool,
            settle=self._settle,
            said=self._said,
        )
        with self._lock:
            self._utterances.append(utterance)
        return utterance

    def _said(self, utterance: LiveUtterance) -> None:
        """The best reading so far has changed; called from another thread."""
        with self._lock:
            if self._utterances and self._utterances[0] is utterance:
                self._show(utterance)
        self._wake()

    def _show(self, utterance: LiveUtterance) -> None:
        partial = utterance.partial
        if partial is not None:
            reached_s = utterance.start_s + partial.words[-1].end_s
            self._transcribed_s = max(self._transcribed_s, reached_s)
            self._answer.interim(utterance.start_s, partial, self._duration_s)

    def _settle(self) -> None:
        """Take note of utterances whose words are known; called from any thread."""
        with self._lock:
            while self._utterances and self._error is None and not self._closed:
                utterance = self._utterances[0]
                if utterance.ending is None or utterance.answer is None or not utterance.answer.done():
                    break
                try:
                    decoded = utterance.answer.result()
                    self._answer.final(
                        RecognizedUtterance(utterance.start_s, decoded, utterance.ending), self._duration_s
                    )
                    self._utterances.popleft()
                    self._transcribed_s = max(self._transcribed_s, utterance.end_s)
                    if self._utterances:
                        self._show(self._utterances[0])
                except CancelledError:
                    break
                except Exception as error:  # noqa: BLE001  whatever it is, it is told to the client
                    self._error = error
                    break
            ending = self._finished and not self._utterances and self._error is None and not self._ending
            self._ending |= ending
        if ending:
            self._end()
        self._wake()

    def _end(self) -> None:
        """Say the rest. Telling speakers apart takes a while: nobody has to wait for the lock meanwhile."""
        try:
            with self._lock:
                finals = self._answer.conclude(self._duration_s)
            observed = self._observation.finish(finals)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told to the client
            with self._lock:
                self._error = error
            return
        with self._lock:
            self._answer.end(observed)

    @property
    def _duration_s(self) -> float:
        return self._samples / self._rate_hz
