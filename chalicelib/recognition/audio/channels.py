"""Several channels recognised by themselves: cut each on its own, merged in time, one speaker a channel."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.recognition.audio import utterances
from chalicelib.recognition.audio.recordings import DecodedRecording
from chalicelib.recognition.audio.utterances import Cutting, UtteranceSpan
from chalicelib.recognition.request.options import Options

AVERAGED_DIFFERENCE = (
    "The channels of this recording differ, and were averaged: speech that overlaps may be lost. "
    "With channels=separate each channel is recognised by itself."
)
"""The warning of a recording whose average loses speech."""

Result = dict[str, Any]
"""A `SpeechRecognitionResult`."""


@dataclass(frozen=True)
class ChannelSpan:
    """An utterance of one channel."""

    span: UtteranceSpan
    recording: DecodedRecording
    """The channel."""
    channel: int | None
    """Its number from 0; None: channels are not kept apart."""


def find(recording: DecodedRecording, cutting: Cutting, options: Options) -> list[ChannelSpan]:
    """Return the utterances of all channels in the order in which they begin."""
    found = [
        ChannelSpan(span, channel, number if options.separate else None)
        for number, channel in enumerate(recording.channels)
        for span in utterances.find(channel, cutting)
    ]
    return sorted(found, key=lambda one: one.span.start)


def spoken(found: Iterable[ChannelSpan]) -> list[UtteranceSpan]:
    """Return where somebody speaks on any channel, in order and without overlap."""
    joined: list[UtteranceSpan] = []
    for one in found:
        span = one.span
        if joined and span.start <= joined[-1].end:
            span = UtteranceSpan(joined[-1].start, max(joined[-1].end, span.end))
            joined.pop()
        joined.append(span)
    return joined


def marked(result: Result, channel: int | None) -> Result:
    """Return a result with the `channel` that it was heard on, if channels are kept apart."""
    return result if channel is None else {**result, "channel": channel}


def in_time_order(results: Iterable[tuple[float, Result]]) -> list[Result]:
    """Merge the results of all channels, each with the time of its first word, in the order of these times.

    Those of one channel stay in their order. Of equals the first channel's comes first.
    """
    by_channel: dict[int, list[tuple[float, Result]]] = {}
    for time_s, result in results:
        by_channel.setdefault(result["channel"], []).append((time_s, result))
    channels = (by_channel[channel] for channel in sorted(by_channel))
    return [result for _, result in heapq.merge(*channels, key=lambda one: one[0])]


def speaker_labels(results: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return Watson's `speaker_labels`, the channel being the speaker.

    Args:
        results: final entries of `results`, with `timestamps` and `channel`.
    """
    words = sorted(_words(results), key=lambda word: (word[0], word[1], word[2]))
    return [
        {
            "from": start_s,
            "to": end_s,
            "speaker": channel,
            "confidence": 1.0,
            "final": number == len(words),
        }
        for number, (start_s, end_s, channel) in enumerate(words, start=1)
    ]


def _words(results: Iterable[Mapping[str, Any]]) -> Iterator[tuple[float, float, int]]:
    for result in results:
        for _, start_s, end_s in result["alternatives"][0]["timestamps"]:
            yield start_s, end_s, result["channel"]
