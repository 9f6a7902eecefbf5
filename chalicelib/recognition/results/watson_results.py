"""Recognised utterances to Watson's results: a whole recording at once, or one utterance at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, Word
from chalicelib.recognition.audio import channels
from chalicelib.recognition.audio.utterances import Ending
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results import insertion_bias, transcripts
from chalicelib.recognition.results.clock import WordClock
from chalicelib.recognition.results.confidences import two_decimals
from chalicelib.recognition.results.keywords import keywords_result
from chalicelib.recognition.results.phrase_ends import phrases
from chalicelib.recognition.results.transcripts import FinalTranscript
from chalicelib.recognition.results.word_alternatives import word_alternatives
from chalicelib.recognition.results.written_text import written_pieces, written_text

Result = dict[str, Any]
"""A `SpeechRecognitionResult`."""


@dataclass(frozen=True)
class RecognizedUtterance:
    """What was heard in one utterance; its times count from `start_s`."""

    start_s: float
    """Where the decoded samples begin in the recording."""
    decoded: DecodedUtterance
    ending: Ending = "silence"
    channel: int | None = None
    """On which it was heard, from 0; None: channels are not kept apart."""


def assemble(
    utterances: Iterable[RecognizedUtterance],
    duration_s: float,
    options: Options,
    told: Callable[[Result], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the answer's body, `SpeechRecognitionResults`, for a recording of `duration_s` seconds.

    Utterances come in the order of the recording; those in which nothing was said leave no trace. Times are
    seconds in the recording with two decimals, never run backwards and never lie outside of it. Channels that
    are kept apart have a time each; their results are merged by when each begins. `told` gets each result as
    soon as it is known, in the order of the utterances.
    """
    clocks: dict[int | None, WordClock] = {}
    results: list[tuple[float, Result]] = []
    for utterance in utterances:
        clock = clocks.setdefault(utterance.channel, WordClock(duration_s))
        for timed in _timed_finals(utterance, clock, options):
            told(timed[1])
            results.append(timed)
    merged = channels.in_time_order(results) if options.separate else [result for _, result in results]
    return {"result_index": 0, "results": merged}


def assemble_final(utterance: RecognizedUtterance, clock: WordClock, options: Options) -> list[Result]:
    """Return the final results of an utterance, in order.

    That is none when nothing was said, and one otherwise; several only if the transcript is to be split at
    the ends of phrases. Each counts for `result_index`.

    Args:
        utterance: what was heard.
        clock: of the recording or stream, or of the channel; one for all its utterances.
        options: of the request.
    """
    return [result for _, result in _timed_finals(utterance, clock, options)]


def _timed_finals(
    utterance: RecognizedUtterance, clock: WordClock, options: Options
) -> list[tuple[float, Result]]:
    """Return the final results of an utterance, each with the time of its first word."""
    readings = insertion_bias.ranked(utterance.decoded.hypotheses, options)
    decoded = DecodedUtterance(readings, utterance.decoded.slots, utterance.decoded.keywords)
    split = options.split_transcript_at_phrase_end
    results = [
        (
            utterance.start_s + phrase.hypotheses[0].words[0].start_s,
            channels.marked(result, utterance.channel),
        )
        for phrase in (phrases(decoded) if split else [decoded])
        for result in _finals(phrase, utterance.start_s, clock, options)
    ]
    if split:
        for number, (_, result) in enumerate(results, 1):
            result["end_of_utterance"] = utterance.ending if number == len(results) else "full_stop"
    return results


def assemble_interim(reading: Hypothesis, start_s: float, clock: WordClock, options: Options) -> Result:
    """Return the interim result of an utterance that is still being spoken: without any confidence.

    Args:
        reading: the best so far; its times count from `start_s`.
        start_s: where the utterance began in the stream.
        clock: of the stream; it does not go on.
        options: of the request.
    """
    alternative = _with_written(transcripts.interim(reading.words, options), reading.words, options)
    if options.timestamps:
        spelled = [transcripts.spelled(word.text, options) for word in reading.words]
        alternative["timestamps"] = _timestamps(reading.words, spelled, start_s, clock.copy())
    return {"final": False, "alternatives": [alternative]}


def _finals(decoded: DecodedUtterance, start_s: float, clock: WordClock, options: Options) -> list[Result]:
    if not decoded.hypotheses or not decoded.hypotheses[0].words:
        return []
    result: Result = {
        "final": True,
        "alternatives": _alternatives(decoded.hypotheses, start_s, clock, options),
    }
    if options.keywords:
        result["keywords_result"] = keywords_result(decoded, start_s, clock, options)
    if options.word_alternatives_threshold is not None:
        result["word_alternatives"] = word_alternatives(decoded.slots, start_s, clock, options)
    return [result]


def _alternatives(
    readings: Sequence[Hypothesis], start_s: float, clock: WordClock, options: Options
) -> list[dict[str, Any]]:
    words = readings[0].words
    transcript = transcripts.final(words, options)
    first = _with_written(transcript.text, words, options, transcript.hidden)
    first["confidence"] = two_decimals(sum(word.posterior for word in words) / len(words))
    spelled = _spelled(words, transcript, options)
    times = _timestamps(words, spelled, start_s, clock)
    if options.timestamps:
        first["timestamps"] = times
        pieces = written_pieces(words, options, transcript.hidden)
        if pieces is not None:
            first["written_timestamps"] = [
                [text, times[places.start][1], times[places.stop - 1][2]] for text, places in pieces
            ]
    if options.word_confidence:
        first["word_confidence"] = [
            [text, two_decimals(word.posterior)] for text, word in zip(spelled, words, strict=True)
        ]
    others: dict[str, dict[str, Any]] = {}
    for reading in readings[1:]:
        other = transcripts.final(reading.words, options)
        if reading.words and other.text != transcript.text:
            shown = _with_written(other.text, reading.words, options, other.hidden)
            others.setdefault(other.text, shown)
    return [first, *list(others.values())[: options.max_alternatives - 1]]


def _with_written(
    transcript: str, words: Sequence[Word], options: Options, hidden: Collection[int] = ()
) -> dict[str, Any]:
    """Return an alternative; with the written text beside the transcript where that is wanted and known."""
    written = written_text(words, options, hidden)
    return {"transcript": transcript} | ({} if written is None else {"written": written})


def _spelled(words: Sequence[Word], transcript: FinalTranscript, options: Options) -> list[str]:
    return [
        transcripts.HIDDEN if number in transcript.hidden else transcripts.spelled(word.text, options)
        for number, word in enumerate(words)
    ]


def _timestamps(
    words: Sequence[Word], spelled: Sequence[str], start_s: float, clock: WordClock
) -> list[list[object]]:
    return [
        [text, clock.read(start_s + word.start_s), clock.read(start_s + word.end_s)]
        for text, word in zip(spelled, words, strict=True)
    ]
