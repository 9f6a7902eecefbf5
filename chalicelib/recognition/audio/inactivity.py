"""When a streamed body holds too little: too little audio while it comes, or no speech."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.audio import content_types
from chalicelib.audio.content_types import ContentTypeError
from chalicelib.recognition.audio.utterances import MARGIN_S, UtteranceSpan

LEAST_BYTES_PER_S = 50.0
"""Of audio whose coding is not known: lossless silence needs hardly more."""
_G729_BYTES_PER_S = 1000.0
_RIFF_RATE = slice(28, 32)


class NoSpeech(Exception):
    """Audio came, but nobody spoke for too long. Clients know the beginning of the text."""

    def __init__(self, timeout_s: int) -> None:
        super().__init__(f"No speech detected for {timeout_s}s.")


def check_speech(
    spans: Sequence[UtteranceSpan], duration_s: float, rate_hz: int, timeout_s: int, streamed_s: float
) -> None:
    """Refuse a streamed recording in which nobody spoke for too long.

    It counts what was silent from the beginning; later silence only if sending took as long as that, for
    timeouts end with the audio: a client that hands over a file does not wait in its pauses.

    Args:
        spans: the utterances, with their margins.
        duration_s: of the recording.
        rate_hz: of the spans.
        timeout_s: the silence that is too long; -1: none is.
        streamed_s: how long it took to send the recording.

    Raises:
        NoSpeech: there is such a silence.
    """
    if timeout_s <= 0:
        return
    starts = [*(span.start / rate_hz for span in spans), duration_s]
    ends = [0.0, *(span.end / rate_hz for span in spans)]
    silences_s = [start - end for start, end in zip(starts, ends, strict=True)]
    at_first_s = silences_s[0] + (MARGIN_S if spans else 0.0)
    later_s = max((silence_s + 2 * MARGIN_S for silence_s in silences_s[1:]), default=0.0)
    if at_first_s >= timeout_s or (streamed_s >= timeout_s and later_s >= timeout_s):
        raise NoSpeech(timeout_s)


def least_bytes_per_s(content_type: str | None, head: bytes) -> float:
    """Return how many bytes a second of audio has, or the least if that is not known from its beginning.

    Args:
        content_type: the header, as it came.
        head: the first bytes of the body.
    """
    if head[:4] == b"RIFF" and len(head) >= _RIFF_RATE.stop:
        return max(float(int.from_bytes(head[_RIFF_RATE], "little")), LEAST_BYTES_PER_S)
    try:
        said = content_types.parse(content_type or "")
    except ContentTypeError:
        return LEAST_BYTES_PER_S
    match said.essence:
        case "audio/l16" if said.rate_hz:
            return 2.0 * said.rate_hz * said.channels
        case "audio/alaw" | "audio/mulaw" if said.rate_hz:
            return float(said.rate_hz)
        case "audio/basic":
            return 8000.0
        case "audio/g729":
            return _G729_BYTES_PER_S
        case _:
            return LEAST_BYTES_PER_S
