"""One request of a stream: audio in as it is spoken, Watson's results out as soon as they are known."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from chalicelib.audio import content_types
from chalicelib.audio.content_types import ContentType, ContentTypeError
from chalicelib.audio.errors import AudioError
from chalicelib.audio.streaming import StreamingDecoder
from chalicelib.engines.catalogue import base_model_of_version
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import CustomModels, DecodedUtterance, Hypothesis, Samples
from chalicelib.recognition import adapted_models, function, results, transcription
from chalicelib.recognition.decoder_worker import Task
from chalicelib.recognition.decoders import DecoderPool, NoCapacity
from chalicelib.recognition.models import ServingModel
from chalicelib.recognition.options import InvalidOption, Options, OptionsConflict
from chalicelib.recognition.spoken import SpokenUtterance
from chalicelib.recognition.utterances import MARGIN_S, Ending, Piece, UtteranceFinder

BEHIND_UTTERANCES = 4
"""When so many that are over wait for their words, no more audio should be taken."""
_STEP_S = 0.1
"""Pauses are looked for so often."""

_log = logging.getLogger(__name__)


class NoSpeech(Exception):
    """Audio came, but nobody spoke for too long. Clients know the beginning of the text."""

    def __init__(self, timeout_s: int) -> None:
        super().__init__(f"No speech detected for {timeout_s}s.")


@dataclass(frozen=True)
class LiveModel:
    """What recognises, with its files on this machine."""

    base_version: str
    custom: CustomModels
    warnings: tuple[str, ...] = ()


def fetched(model: ServingModel) -> LiveModel:
    """Return a model with its files, which are fetched if they are not here yet.

    Raises:
        engines.errors.ModelUnreadable: a custom model is gone, or damaged.
    """
    adapted = model.adapted_model
    file = None if adapted is None else adapted_models.local_file(adapted, adapted_models.cache_folder())
    return LiveModel(model.base_version, CustomModels(adapted_model=file), model.warnings)


def content_type(message: Mapping[str, Any]) -> ContentType | None:
    """Return what a `start` message says of the audio, in either spelling; None: it is to be detected.

    Raises:
        audio.content_types.ContentTypeError: it cannot be used.
    """
    said = message.get("content-type") or message.get("content_type")
    return None if said is None else content_types.of_recognition(str(said), None)


def wording(error: Exception) -> str:
    """Return what a client is told about an error of `LiveRequest` or of what made it."""
    match error:
        case AudioError() | ContentTypeError():
            return function.wording(error)
        case InvalidOption() | OptionsConflict() | NoSpeech():
            return str(error)
        case NoCapacity():
            return "Recognition has no capacity at the moment. Try again in a minute."
        case ModelUnreadable():
            _log.error("custom model: %s", error)
            return "The custom model's data is damaged. Train the model again."
        case _:
            _log.error("live recognition failed", exc_info=error)
            return "Recognition failed. Try again; if it fails again, tell your operator."


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
        self._model = model
        self._options = options
        self._pool = pool
        self._wake = wake
        self._rate_hz = base_model_of_version(model.base_version).rate_hz
        self._decoder = StreamingDecoder(said, self._rate_hz)
        self._finder = UtteranceFinder(self._rate_hz, transcription.cutting(options))
        self._kept: Samples = np.empty(0, np.float32)
        self._kept_from = 0
        self._samples = 0
        self._lock = threading.RLock()
        self._utterances: deque[_Utterance] = deque()
        """In order; those that are being spoken or wait for their words."""
        self._open: _Utterance | None = None
        self._answer = _Answer(options, warnings)
        self._finished = False
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
            self._kept = np.concatenate([self._kept, block])
            self._take_pieces(self._finder.feed(block))
            if self._open is not None and self._finder.silence_s >= MARGIN_S:
                self._open.conclude()
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
                utterance.end(piece.ending)

    def _begun(self, start: int) -> _Utterance:
        utterance = _Utterance(
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

    def _said(self, utterance: _Utterance) -> None:
        """The best reading so far has changed; called from another thread."""
        with self._lock:
            if self._utterances and self._utterances[0] is utterance and utterance.partial is not None:
                self._answer.interim(utterance.start_s, utterance.partial, self._duration_s)
        self._wake()

    def _settle(self) -> None:
        """Take note of utterances whose words are known; called from any thread."""
        with self._lock:
            while self._utterances and self._error is None and not self._closed:
                utterance = self._utterances[0]
                if utterance.ending is None or utterance.answer is None or not utterance.answer.done():
                    break
                try:
                    decoded = utterance.answer.result()
                except CancelledError:
                    break
                except Exception as error:  # noqa: BLE001  whatever it is, it is told to the client
                    self._error = error
                    break
                self._utterances.popleft()
                self._answer.final(utterance.start_s, decoded, utterance.ending, self._duration_s)
                following = self._utterances[0] if self._utterances else None
                if following is not None and following.partial is not None:
                    self._answer.interim(following.start_s, following.partial, self._duration_s)
            if self._finished and not self._utterances and self._error is None:
                self._answer.end(self._duration_s)
        self._wake()

    @property
    def _duration_s(self) -> float:
        return self._samples / self._rate_hz


class _Utterance:
    """One utterance: decoded while it is spoken if somebody wants to see that, else as a whole."""

    def __init__(
        self,
        start_s: float,
        model: LiveModel,
        options: Options,
        pool: DecoderPool,
        *,
        settle: Callable[[], None],
        said: Callable[[_Utterance], None],
    ) -> None:
        self.start_s = start_s
        self.ending: Ending | None = None
        """None: it is being spoken."""
        self.answer: Future[DecodedUtterance] | None = None
        """Of what was spoken so far, perhaps all of it."""
        self.partial: Hypothesis | None = None
        self._model = model
        self._wanted = transcription.decoding_options(options)
        self._pool = pool
        self._settle = settle
        self._said = said
        self._blocks: list[Samples] = []
        self._spoken: SpokenUtterance | None = None
        if options.interim_results:
            self._spoken = pool.speak(model.base_version, model.custom, self._on_partial)

    def add(self, samples: Samples) -> None:
        if self._spoken is not None:
            self._spoken.feed(samples)
        else:
            self._blocks.append(samples)
            if self.answer is not None:
                self.answer.cancel()
        self.answer = None

    def conclude(self) -> None:
        """Have the words found, for all that is known: if more is spoken, it was too early."""
        if self.answer is not None:
            return
        if self._spoken is not None:
            self.answer = self._spoken.conclude(self._wanted)
        else:
            samples = np.concatenate(self._blocks)
            task = Task(self._model.base_version, self._model.custom, samples, self._wanted)
            self.answer = self._pool.submit(task)
        self.answer.add_done_callback(lambda _: self._settle())

    def end(self, ending: Ending) -> None:
        self.conclude()
        self.ending = ending
        self._blocks = []
        assert self.answer is not None
        self.answer.add_done_callback(lambda _: self.close())
        self._settle()

    def close(self) -> None:
        if self._spoken is not None:
            self._spoken.close()
        elif self.answer is not None:
            self.answer.cancel()

    def _on_partial(self, partial: Hypothesis) -> None:
        if partial.words and partial != self.partial:
            self.partial = partial
            self._said(self)


class _Answer:
    """Makes messages: one at the end, or with interim results one for each change."""

    def __init__(self, options: Options, warnings: tuple[str, ...]) -> None:
        self._options = options
        self._warnings = warnings
        self._recognized: list[results.RecognizedUtterance] = []
        self._index = 0
        """Of the utterance in hand."""
        self._interim_sent = False
        self._messages: list[dict[str, Any]] = []
        self._ended = False

    @property
    def pending(self) -> bool:
        return bool(self._messages) or not self._ended

    def take(self) -> list[dict[str, Any]]:
        messages, self._messages = self._messages, []
        return messages

    def interim(self, start_s: float, partial: Hypothesis, duration_s: float) -> None:
        message = _one(self._index, start_s, DecodedUtterance((partial,)), duration_s, self._options)
        for result in message["results"]:
            result["final"] = False
            del result["alternatives"][1:]
            for name in ("confidence", "word_confidence"):
                result["alternatives"][0].pop(name, None)
        # Of two that nobody has taken yet only the later one is news.
        if self._messages and self._messages[-1].get("results", [{}])[0].get("final") is False:
            self._messages.pop()
        self._interim_sent = True
        self._add(message)

    def final(self, start_s: float, decoded: DecodedUtterance, ending: Ending, duration_s: float) -> None:
        if not decoded.hypotheses or not decoded.hypotheses[0].words:
            return
        utterance = results.RecognizedUtterance(start_s, decoded)
        if not self._options.interim_results:
            self._recognized.append(utterance)
            return
        if not self._interim_sent:
            self.interim(start_s, decoded.hypotheses[0], duration_s)
        self._add(_one(self._index, start_s, decoded, duration_s, self._options))
        self._index += 1
        self._interim_sent = False

    def end(self, duration_s: float) -> None:
        if self._ended:
            return
        self._ended = True
        if not self._options.interim_results:
            self._add(results.assemble(self._recognized, duration_s, self._options))
        elif self._warnings:
            self._add({"result_index": self._index, "results": []})

    def _add(self, message: dict[str, Any]) -> None:
        if self._warnings:
            message["warnings"] = list(self._warnings)
            self._warnings = ()
        self._messages.append(message)


def _one(
    index: int, start_s: float, decoded: DecodedUtterance, duration_s: float, options: Options
) -> dict[str, Any]:
    message = results.assemble([results.RecognizedUtterance(start_s, decoded)], duration_s, options)
    return message | {"result_index": index}
