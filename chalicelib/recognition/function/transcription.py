"""An audio file to Watson's results: decode, cut, recognise, assemble."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from chalicelib.audio.channels import Mixer
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.speech.speech_activity import Detection
from chalicelib.engines import catalogue
from chalicelib.engines.protocol import CustomModels, DecodedUtterance, DecodingOptions
from chalicelib.recognition.audio import channels, inactivity, recordings
from chalicelib.recognition.audio.channels import ChannelSpan
from chalicelib.recognition.audio.observation import Observation
from chalicelib.recognition.audio.recordings import DecodedRecording
from chalicelib.recognition.audio.utterances import Cutting
from chalicelib.recognition.decoding.decoder_worker import Task
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results import insertion_bias, keywords, watson_results


class UtteranceDecoder(Protocol):
    """What decodes: a pool, or what stands for one."""

    def decode(self, tasks: Iterator[Task], /) -> Iterator[DecodedUtterance]:
        """Yield what was decoded of each task, in the order of the tasks."""


def transcribe(
    source: Path,
    content_type: ContentType | None,
    base_version: str,
    custom: CustomModels,
    *,
    options: Options,
    pool: UtteranceDecoder,
    streamed_s: float | None = None,
    owner: str = "",
    heard: Callable[[float], None] = lambda _: None,
    told: Callable[[watson_results.Result], None] = lambda _: None,
) -> dict[str, Any]:
    """Return the `SpeechRecognitionResults` of an audio file.

    Args:
        source: the audio, in any supported format.
        content_type: what it is said to be; None: to be detected.
        base_version: a version of the catalogue.
        custom: the models on top of it.
        options: of the request; of its models nothing is used.
        pool: decodes.
        streamed_s: how long the audio was sent in chunks; None: it came at once, and nothing times out.
        owner: whose it is.
        heard: is told how many seconds were decoded, also where that ended in an error.
        told: is told each result as soon as it is known.

    Raises:
        audio.errors.AudioError: the audio cannot be used.
        inactivity.NoSpeech: it was streamed, and nobody speaks for too long.
        engines.errors.ModelUnreadable: a custom model is damaged or made for another base version.
        decoders.DecodingFailed: the engine failed.
        sharing.held.TooMuchHeld: the owner's recordings take more room than they may.
    """
    rate_hz = catalogue.base_version(base_version).rate_hz
    least_rate_hz = catalogue.base_model_of_version(base_version).least_rate_hz
    mixer = Mixer(separate=options.separate)
    with recordings.decoded(
        source, content_type, rate_hz, least_rate_hz=least_rate_hz, mixer=mixer, owner=owner, heard=heard
    ) as recording:
        found = channels.find(recording, cutting(options), options)
        if streamed_s is not None:
            timeout_s = options.inactivity_timeout
            inactivity.check_speech(
                channels.spoken(found), recording.duration_s, rate_hz, timeout_s, streamed_s
            )
        tasks = _tasks(found, base_version, custom, decoding_options(options))
        recognized = (
            watson_results.RecognizedUtterance(
                one.span.start / rate_hz, decoded, one.span.ending, one.channel
            )
            for one, decoded in zip(found, pool.decode(tasks), strict=True)
        )
        answer = watson_results.assemble(recognized, recording.duration_s, options, told)
        if mixer.loses_speech:
            answer["warnings"] = [channels.AVERAGED_DIFFERENCE]
        if options.processing_metrics:
            answer["processing_metrics"] = _processed(recording.duration_s)
        return answer | _observed(recording, answer["results"], options)


def _processed(duration_s: float) -> dict[str, Any]:
    """Return Watson's `processing_metrics` of a recording that is done; only a job knows when it came in."""
    done_s = round(duration_s, 2)
    return {"processed_audio": {"received": done_s, "seen_by_engine": done_s, "transcription": done_s}}


def _observed(
    recording: DecodedRecording, found: Sequence[dict[str, Any]], options: Options
) -> dict[str, Any]:
    if not options.audio_metrics and not options.speaker_labels:
        return {}
    observation = Observation(recording.rate_hz, options)
    for block in recording.blocks():
        observation.feed(block)
    return observation.finish(found)


def cutting(options: Options) -> Cutting:
    """Return what separates utterances in a request's audio."""
    detection = Detection(options.speech_detector_sensitivity, options.background_audio_suppression)
    return Cutting(options.end_of_phrase_silence_time, detection)


def decoding_options(options: Options) -> DecodingOptions:
    """Return what the engine has to find so that the results of a request can be assembled."""
    return DecodingOptions(
        max_alternatives=max(options.max_alternatives, insertion_bias.readings_needed(options)),
        word_alternatives=options.word_alternatives_threshold is not None,
        keywords=keywords.asked(options),
    )


def _tasks(
    found: Sequence[ChannelSpan],
    base_version: str,
    custom: CustomModels,
    wanted: DecodingOptions,
) -> Iterator[Task]:
    for one in found:
        yield Task(base_version, custom, one.recording.samples(one.span.start, one.span.end), wanted)
