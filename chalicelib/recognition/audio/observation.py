"""What a request asks about its audio as a whole, gathered as the audio comes: speakers and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.audio.channels import mono
from chalicelib.audio.speech.signal_metrics import SignalMeter
from chalicelib.audio.speech.voice_features import VoiceFeatures
from chalicelib.audio.stream import Samples
from chalicelib.recognition.audio import channels
from chalicelib.recognition.audio.audio_metrics import accumulated, audio_metrics
from chalicelib.recognition.audio.speaker_labels import speaker_labels
from chalicelib.recognition.request.options import Options


class Observation:
    """Observes a stream at the recogniser's rate that comes in pieces of any size."""

    def __init__(self, rate_hz: int, options: Options) -> None:
        """Take what is wanted; nothing is gathered for what is not."""
        self._rate_hz = rate_hz
        self._separate = options.separate
        self._labels = options.speaker_labels
        self._meter = SignalMeter(rate_hz) if options.audio_metrics else None
        self._channels: list[SignalMeter] = []
        """Of each channel, where they are kept apart."""
        self._voices = VoiceFeatures(rate_hz) if options.speaker_labels and not options.separate else None

    def feed(self, samples: Samples) -> None:
        """Take the next samples, in -1…1, shape (n,) or (n, channels)."""
        if self._meter is not None:
            if self._separate:
                self._feed_each(samples.reshape(len(samples), -1))
            self._meter.feed(samples if samples.ndim == 1 else mono(samples))
        if self._voices is not None:
            self._voices.feed(samples)

    def _feed_each(self, samples: Samples) -> None:
        if not self._channels:
            self._channels = [SignalMeter(self._rate_hz) for _ in range(samples.shape[1])]
        for meter, channel in zip(self._channels, samples.T, strict=True):
            meter.feed(channel)

    def finish(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return `speaker_labels` and `audio_metrics`, as far as they are wanted. Of no use afterwards.

        Args:
            results: all final entries of `results`, with `timestamps` if speakers are wanted.
        """
        found: dict[str, Any] = {}
        if self._voices is not None:
            found["speaker_labels"] = speaker_labels(results, self._voices)
        elif self._labels:
            found["speaker_labels"] = channels.speaker_labels(results)
        if self._meter is not None:
            found["audio_metrics"] = audio_metrics(self._meter.finish())
        if self._channels:
            found["audio_metrics"]["channels"] = [
                {"channel": number, **accumulated(meter.finish())}
                for number, meter in enumerate(self._channels)
            ]
        return found
