"""One request of a stream: audio in as it is spoken, Watson's results out as soon as they are known."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from typing import Any

from chalicelib.audio import content_types
from chalicelib.audio.channels import Mixer
from chalicelib.audio.containers.container_processes import ReadingInterrupted
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.errors import AudioError
from chalicelib.audio.streaming import StreamingDecoder
from chalicelib.engines import catalogue
from chalicelib.engines.protocol import Samples
from chalicelib.recognition.audio.channels import AVERAGED_DIFFERENCE
from chalicelib.recognition.audio.inactivity import NoSpeech
from chalicelib.recognition.audio.observation import Observation
from chalicelib.recognition.audio.recordings import rounded
from chalicelib.recognition.audio.utterances import UtterancePiece
from chalicelib.recognition.decoding.decoders import Speaking
from chalicelib.recognition.decoding.fetched_model import FetchedModel
from chalicelib.recognition.function import transcription
from chalicelib.recognition.live.live_answer import LiveAnswer
from chalicelib.recognition.live.live_channel import LiveChannel
from chalicelib.recognition.live.live_utterance import LiveUtterance
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.watson_results import RecognizedUtterance

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
        model: FetchedModel,
        options: Options,
        *,
        warnings: tuple[str, ...],
        pool: Speaking,
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
        self._rate_hz = catalogue.base_version(self._model.base_version).rate_hz
        least_rate_hz = catalogue.base_model_of_version(self._model.base_version).least_rate_hz
        self._mixer = Mixer(separate=options.separate)
        self._decoder = StreamingDecoder(said, self._rate_hz, least_rate_hz=least_rate_hz, mixer=self._mixer)
        self._samples = 0
        self._lock = threading.RLock()
        self._channels: tuple[LiveChannel, ...] = ()
        """Known once samples come: one, or where they are kept apart as many as the audio has."""
        self._over: deque[tuple[LiveChannel, LiveUtterance]] = deque()
        """Utterances of all channels whose audio has ended, in the order in which it did."""
        self._answer = LiveAnswer(options, warnings)
        self._observation = Observation(self._rate_hz, options)
        self._fed_bytes, self._fed_s = 0, 0.0
        self._transcribed_s = 0.0
        self._finished = False
        self._ending = False
        """The rest is being said."""
        self._closed = False
        self._error: Exception | None = None
        self._last_words: Exception | None = None
        """An error that is told when everything before it has been."""

    @property
    def behind(self) -> bool:
        """So many utterances wait for their words that no more audio should be fed."""
        with self._lock:
            waiting = len(self._over)
            being_spoken = sum(len(channel.utterances) for channel in self._channels) > waiting
            return waiting + being_spoken >= BEHIND_UTTERANCES

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the audio. After an error that `take` is still to raise they are ignored.

        Raises:
            audio.errors.AudioError: they cannot be used.
            NoSpeech: nobody has spoken for the request's inactivity timeout.
            containers.container_processes.ReadingInterrupted: what reads the audio was ended from outside.
                These are raised by `take` instead, while there are words to be told of what came before.
            decoders.NoCapacity: too many utterances wait for a process already.
        """
        if self._last_words is not None:
            return
        try:
            for samples in self._decoder.feed(data):
                self._hear(samples)
                self._check_silence()
        except (AudioError, NoSpeech, ReadingInterrupted) as error:
            self._end_with(error)
        with self._lock:
            self._fed_bytes, self._fed_s = self._fed_bytes + len(data), self._duration_s

    def finish(self) -> None:
        """Take note that all audio was fed.

        Raises:
            audio.errors.AudioError, ReadingInterrupted, decoders.NoCapacity: as `feed`.
        """
        if self._last_words is not None:
            return
        try:
            for samples in self._decoder.finish():
                self._hear(samples)
        except (AudioError, ReadingInterrupted) as error:
            self._end_with(error)
            return
        self._conclude()

    def _end_with(self, error: AudioError | NoSpeech | ReadingInterrupted) -> None:
        """Have everything told that was said before an error, and then the error.

        Raises:
            AudioError, NoSpeech, ReadingInterrupted: there is nothing to be told.
        """
        with self._lock:
            if not self._waits and not self._answer.untold:
                raise error
            self._last_words = error
        self._conclude()

    def _conclude(self) -> None:
        self._take([(channel, piece) for channel in self._channels for piece in channel.finish()])
        with self._lock:
            self._finished = True
        self._settle()

    def take(self) -> list[dict[str, Any]]:
        """Return the messages that can be sent by now, in order.

        Raises:
            decoders.DecodingFailed, engines.errors.ModelUnreadable: there will be no more.
            audio.errors.AudioError, NoSpeech, ReadingInterrupted: as `feed`; everything before was taken.
        """
        with self._lock:
            messages = self._answer.take()
            if self._error is not None:
                if not messages:
                    raise self._error
                self._wake()
            return messages

    @property
    def complete(self) -> bool:
        """Everything was said about all of the audio, and taken."""
        with self._lock:
            told = self._last_words is None and not self._answer.pending
            return self._finished and not self._waits and told

    def progress(self, received_bytes: int) -> dict[str, float]:
        """Return Watson's `processed_audio`, in seconds; so many bytes came, fed or to be fed."""
        with self._lock:
            heard_s = self._duration_s
            s_per_byte = self._fed_s / self._fed_bytes if self._fed_bytes else 0.0
            reached_s = min(
                (channel.transcribed_s for channel in self._channels if channel.utterances), default=heard_s
            )
            self._transcribed_s = max(self._transcribed_s, reached_s)
            return {
                "received": round(max(heard_s, received_bytes * s_per_byte), 2),
                "seen_by_engine": round(heard_s, 2),
                "transcription": round(min(self._transcribed_s, heard_s), 2),
            }

    @property
    def heard_s(self) -> float:
        """How much audio was decoded."""
        return self._duration_s

    def close(self) -> None:
        """Let go of processes and threads; not during `feed` or `finish`."""
        self._decoder.close()
        with self._lock:
            self._closed = True
            utterances = [utterance for channel in self._channels for utterance in channel.utterances]
            self._over.clear()
            for channel in self._channels:
                channel.utterances.clear()
        for utterance in utterances:
            utterance.close()

    @property
    def _waits(self) -> bool:
        """Utterances are being spoken or wait for their words."""
        return any(channel.utterances for channel in self._channels)

    def _hear(self, samples: Samples) -> None:
        if not self._channels:
            self._channels = self._begun_channels()
        step = round(_STEP_S * self._rate_hz)
        for start in range(0, len(samples), step):
            block = rounded(samples[start : start + step])
            self._samples += len(block)
            self._observation.feed(block)
            each = block.reshape(len(block), -1).T
            self._take(
                [
                    (channel, piece)
                    for channel, heard in zip(self._channels, each, strict=True)
                    for piece in channel.hear(heard)
                ]
            )
            for channel in self._channels:
                channel.settle()

    def _begun_channels(self) -> tuple[LiveChannel, ...]:
        numbers = range(self._mixer.channels) if self._options.separate else [None]
        cutting = transcription.cutting(self._options)
        return tuple(
            LiveChannel(number, self._rate_hz, cutting, begun=self._begun, over=self._ended)
            for number in numbers
        )

    def _check_silence(self) -> None:
        timeout_s = self._options.inactivity_timeout
        if timeout_s > 0 and min(channel.silence_s for channel in self._channels) >= timeout_s:
            raise NoSpeech(timeout_s)

    def _take(self, pieces: list[tuple[LiveChannel, UtterancePiece]]) -> None:
        """Take the pieces of all channels in the order of time, for utterances get their turn as they end."""
        for channel, piece in sorted(pieces, key=lambda one: one[1].end):
            channel.take(piece)

    def _begun(self, channel: LiveChannel, start_s: float) -> LiveUtterance:
        utterance = LiveUtterance(
            start_s,
            self._model,
            self._options,
            self._pool,
            settle=self._settle,
            said=lambda utterance: self._said(channel, utterance),
        )
        with self._lock:
            channel.utterances.append(utterance)
        return utterance

    def _ended(self, channel: LiveChannel, utterance: LiveUtterance) -> None:
        with self._lock:
            self._over.append((channel, utterance))

    def _said(self, channel: LiveChannel, utterance: LiveUtterance) -> None:
        """The best reading so far has changed; called from another thread."""
        with self._lock:
            if channel.utterances and channel.utterances[0] is utterance:
                self._show(channel)
        self._wake()

    def _show(self, channel: LiveChannel) -> None:
        """Say the best reading so far of the utterance that is next on a channel."""
        partial = channel.utterances[0].partial if channel.utterances else None
        if partial is not None:
            start_s = channel.utterances[0].start_s
            channel.transcribed_s = max(channel.transcribed_s, start_s + partial.words[-1].end_s)
            self._answer.interim(start_s, partial, self._duration_s, channel.number)

    def _settle(self) -> None:
        """Take note of utterances whose words are known; called from any thread."""
        with self._lock:
            while self._over and self._error is None and not self._closed:
                channel, utterance = self._over[0]
                if utterance.ending is None or utterance.answer is None or not utterance.answer.done():
                    break
                try:
                    decoded = utterance.answer.result()
                    recognized = RecognizedUtterance(
                        utterance.start_s, decoded, utterance.ending, channel.number
                    )
                    self._answer.final(recognized, self._duration_s)
                    self._over.popleft()
                    channel.utterances.popleft()
                    channel.transcribed_s = max(channel.transcribed_s, utterance.end_s)
                    for one in self._channels:
                        self._show(one)
                except CancelledError:
                    break
                except Exception as error:  # noqa: BLE001  whatever it is, it is told to the client
                    self._error = error
                    break
            ending = self._finished and not self._waits and self._error is None and not self._ending
            self._ending |= ending
        if ending:
            self._end()
        self._wake()

    def _end(self) -> None:
        """Say the rest. Telling speakers apart takes a while: nobody has to wait for the lock meanwhile."""
        try:
            with self._lock:
                finals = self._answer.conclude(self._duration_s)
                if self._last_words is not None:
                    self._answer.break_off()
                    self._error = self._last_words
                    return
            observed = self._observation.finish(finals)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told to the client
            with self._lock:
                self._error = error
            return
        late = (AVERAGED_DIFFERENCE,) if self._mixer.loses_speech else ()
        with self._lock:
            self._answer.end(observed, late)

    @property
    def _duration_s(self) -> float:
        return self._samples / self._rate_hz
