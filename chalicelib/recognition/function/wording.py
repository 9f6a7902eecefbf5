"""What is wrong with a request, in the words that clients of Watson match on."""

from __future__ import annotations

from chalicelib.audio.content_types import ContentTypeError
from chalicelib.audio.errors import AudioError, EndiannessUnclear, RateTooLow, Undecodable
from chalicelib.engines.errors import CustomizationUnsupported
from chalicelib.recognition.request.backend import ENDPOINT


def wording(error: AudioError | ContentTypeError | CustomizationUnsupported) -> str:
    """Return what is wrong with the request, with the audio in the words that clients of Watson match on."""
    match error:
        case EndiannessUnclear():
            return str(error)
        case Undecodable(essence=essence):
            return f"unable to transcode data stream {essence} -> audio/l16 : {error}"
        case RateTooLow(rate_hz=rate_hz, needed_hz=needed_hz) if needed_hz > 8000:
            return (
                f"This {rate_hz}hz audio input requires a narrow band model.  "
                f"See {ENDPOINT}/v1/models for a list of available models. {error}"
            )
        case RateTooLow(rate_hz=rate_hz, needed_hz=needed_hz):
            return f"This {rate_hz}hz audio input has too low a rate: record it at {needed_hz}hz or more."
        case CustomizationUnsupported():
            return (
                f"This version of the base model cannot do that: {error}. Leave that out of the request, "
                "or ask for another version with base_model_version."
            )
        case _:
            return str(error)
