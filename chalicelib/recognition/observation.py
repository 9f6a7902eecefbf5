"""What a request wants to know of its audio as a whole, gathered as the audio comes: speakers and metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.audio.signal_metrics import SignalMeter
from chalicelib.audio.stream import Samples
from chalicelib.audio.voice_features import VoiceFeatures
from chalicelib.recognition.audio_metrics import audio_metrics
from chalicelib.recognition.options import Options
from chalicelib.recognition.speaker_labels import speaker_labels


class Observation:
    """Observes a mono stream at the recogniser's rate that comes in pieces of any size."""

    def __init__(self, rate_hz: int, options: Options) -> None:
        """Take what is wanted; nothing is gathered for what is not."""
        self._meter = SignalMeter(rate_hz) if options.audio_metrics else None
        self._voices = VoiceFeatures(rate_hz) if options.speaker_labels else None

    def feed(self, samples: Samples) -> None:
        """Take the next samples, in -1…1."""
        if self._meter is not None:
            self._meter.feed(samples)
        if self._voices is not None:
            self._voices.feed(samples)

    def finish(self, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return `speaker_labels` and `audio_metrics`, as far as they are wanted. Of no use afterwards.

        Args:
            results: all final entries of `results`, with `timestamps` if speakers are wanted.
        """
        found: dict[str, Any] = {}
        if self._voices is not None:
            found["speaker_labels"] = speaker_labels(results, self._voices)
        if self._meter is not None:
            found["audio_metrics"] = audio_metrics(self._meter.finish())
        return found
