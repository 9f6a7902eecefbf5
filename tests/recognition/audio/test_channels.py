"""Channels recognised by themselves get what each would get alone; averaged ones a warning, if they differ."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.audio import content_types
from chalicelib.engines.protocol import BASE_ALONE
from chalicelib.recognition.audio import channels
from chalicelib.recognition.audio.channels import AVERAGED_DIFFERENCE, ChannelSpan
from chalicelib.recognition.audio.inactivity import NoSpeech
from chalicelib.recognition.audio.recordings import DecodedRecording
from chalicelib.recognition.audio.utterances import UtteranceSpan
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function.transcription import transcribe
from chalicelib.recognition.request.options import InvalidOption, Options, from_message, parse
from chalicelib.recognition.request.parameters import Interface
from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import word_error_rate
from tests.audio import signals
from tests.audio.signals import Samples
from tests.recognition.audio import stereo
from tests.recognition.audio.stereo import RATE_HZ

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
ALL: dict[str, Any] = {
    "timestamps": True,
    "word_confidence": True,
    "max_alternatives": 3,
    "keywords": ("conference", "number"),
    "keywords_threshold": 0.1,
    "word_alternatives_threshold": 0.1,
    "split_transcript_at_phrase_end": True,
}
SEPARATE = Options(**ALL, channels="separate")

Transcribe = Callable[..., Any]


@pytest.fixture
def answer_to(tmp_path: Path, pool: DecoderPool) -> Transcribe:
    def recognise(
        data: bytes,
        options: Options = SEPARATE,
        said: str | None = None,
        streamed_s: float | None = None,
    ) -> Any:
        source = tmp_path / "audio"
        source.write_bytes(data)
        content_type = content_types.parse(said) if said else None
        return transcribe(
            source, content_type, NARROWBAND, BASE_ALONE, options=options, pool=pool, streamed_s=streamed_s
        )

    return recognise


@pytest.fixture(scope="module")
def call(prompt_named: dict[str, Prompt]) -> Samples:
    return stereo.call(prompt_named)


@pytest.fixture
def alone(answer_to: Transcribe, call: Samples) -> list[Any]:
    """Return what each channel gets as a recording of its own."""
    return [answer_to(signals.wav(samples, RATE_HZ), Options(**ALL)) for samples in call.T]


@pytest.mark.parametrize(
    ("container", "said"),
    [("WAV", None), ("FLAC", None), ("RAW", "audio/l16;rate=8000;channels=2")],
)
def test_each_channel_gets_what_it_gets_alone(
    answer_to: Transcribe, call: Samples, alone: list[Any], container: str, said: str | None
) -> None:
    answer = answer_to(signals.encoded(call, RATE_HZ, container, "PCM_16"), said=said)
    assert answer == {"result_index": 0, "results": stereo.merged(alone)}
    heard = [result["channel"] for result in answer["results"]]
    assert heard != sorted(heard), "the channels speak in turns"
    starts_s = [stereo.starts_s(result) for result in answer["results"]]
    assert starts_s == sorted(starts_s)


def test_opus_keeps_two_voices_apart(
    answer_to: Transcribe, call: Samples, prompt_named: dict[str, Prompt]
) -> None:
    answer = answer_to(signals.encoded(call, RATE_HZ, "OGG", "OPUS"), Options(channels="separate"))
    for channel, names in enumerate([stereo.FIRST, stereo.SECOND]):
        said = [
            result["alternatives"][0]["transcript"]
            for result in answer["results"]
            if result["channel"] == channel
        ]
        assert (
            word_error_rate([" ".join(prompt_named[name].text for name in names)], [" ".join(said)]).rate
            <= 0.2
        )
        assert all("timestamps" not in result["alternatives"][0] for result in answer["results"])


def test_the_channel_is_the_speaker(answer_to: Transcribe, call: Samples) -> None:
    answer = answer_to(
        signals.wav(call, RATE_HZ), Options(timestamps=True, speaker_labels=True, channels="separate")
    )
    labels = answer["speaker_labels"]
    words = sorted(
        (start_s, end_s, result["channel"])
        for result in answer["results"]
        for _, start_s, end_s in result["alternatives"][0]["timestamps"]
    )
    assert [(label["from"], label["to"], label["speaker"]) for label in labels] == words
    assert {label["speaker"] for label in labels} == {0, 1}
    assert {label["confidence"] for label in labels} == {1.0}
    assert [label["final"] for label in labels] == [False] * (len(labels) - 1) + [True]


def test_metrics_are_those_of_the_average_and_of_each_channel(answer_to: Transcribe, call: Samples) -> None:
    measured = Options(audio_metrics=True, processing_metrics=True)
    separate = Options(audio_metrics=True, processing_metrics=True, channels="separate")
    answer = answer_to(signals.wav(call, RATE_HZ), separate)
    averaged = answer_to(signals.wav(call, RATE_HZ), measured)
    each = [answer_to(signals.wav(samples, RATE_HZ), measured) for samples in call.T]
    assert answer["processing_metrics"] == averaged["processing_metrics"]
    of_channels = answer["audio_metrics"].pop("channels")
    assert of_channels == [
        {"channel": channel, **alone["audio_metrics"]["accumulated"]} for channel, alone in enumerate(each)
    ]
    assert answer["audio_metrics"].keys() == averaged["audio_metrics"].keys()
    ours, theirs = (one["audio_metrics"]["accumulated"] for one in (answer, averaged))
    assert ours["end_time"] == theirs["end_time"]
    assert ours["speech_ratio"] == pytest.approx(theirs["speech_ratio"], abs=0.02)


def test_one_channel_is_channel_0(answer_to: Transcribe, call: Samples, alone: list[Any]) -> None:
    answer = answer_to(signals.wav(call[:, 0], RATE_HZ))
    assert answer == {"result_index": 0, "results": stereo.merged(alone[:1])}


def test_where_nobody_speaks_on_any_channel_nothing_is_said(answer_to: Transcribe) -> None:
    options = Options(channels="separate", speaker_labels=True)
    answer = answer_to(signals.wav(np.zeros((RATE_HZ, 3), np.float32), RATE_HZ), options)
    assert answer == {"result_index": 0, "results": [], "speaker_labels": []}


def test_channels_that_differ_are_averaged_with_a_warning(answer_to: Transcribe, call: Samples) -> None:
    answer = answer_to(signals.wav(call, RATE_HZ), Options())
    assert answer["warnings"] == [AVERAGED_DIFFERENCE]
    assert "channels=separate" in AVERAGED_DIFFERENCE
    assert all("channel" not in result for result in answer["results"])
    assert "warnings" not in answer_to(signals.wav(call, RATE_HZ))


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG"])
@pytest.mark.parametrize("second", [1.0, 0.4, 0.0], ids=["the same", "softer", "silent"])
def test_one_voice_in_two_channels_is_averaged_without(
    answer_to: Transcribe, call: Samples, container: str, second: float
) -> None:
    voice = call[: 3 * RATE_HZ, 0]
    subtype = "OPUS" if container == "OGG" else "PCM_16"
    answer = answer_to(
        signals.encoded(stereo.together(voice, second * voice), RATE_HZ, container, subtype), Options()
    )
    assert "warnings" not in answer
    assert answer["results"]


def test_speech_on_any_channel_keeps_a_streamed_request_alive(answer_to: Transcribe, call: Samples) -> None:
    quiet = np.zeros(4 * RATE_HZ, np.float32)
    late, early = np.concatenate([quiet, call[:, 0]]), call[:, 1]
    patience = Options(inactivity_timeout=4, channels="separate")
    with pytest.raises(NoSpeech):
        answer_to(signals.wav(late, RATE_HZ), patience, streamed_s=1.0)
    assert answer_to(signals.wav(stereo.together(late, early), RATE_HZ), patience, streamed_s=1.0)["results"]


def test_the_parameter_is_read_everywhere() -> None:
    asked_by: tuple[Interface, ...] = ("sync", "async", "websocket")
    for interface in asked_by:
        parsed = parse({"channels": ["Separate"]}, interface)
        assert (parsed.options.separate, parsed.warnings) == (True, ())
        assert Options.from_json(parsed.options.to_json()) == parsed.options
    assert from_message({"channels": "separate"}).options.separate
    assert from_message({"channels": "separate"}, interface="multipart").options.separate
    assert not parse({"channels": ["averaged"]}).options.separate
    for wrong in ("2", "", "both"):
        with pytest.raises(InvalidOption, match="'channels': it must be averaged or separate"):
            parse({"channels": [wrong]})


spans = st.lists(
    st.tuples(st.integers(0, 1000), st.integers(1, 200)).map(
        lambda one: UtteranceSpan(one[0], one[0] + one[1])
    )
)


@given(spans)
def test_speech_on_several_channels_is_joined(found: list[UtteranceSpan]) -> None:
    recording = DecodedRecording(np.empty(0, np.int16), RATE_HZ)
    ordered = sorted(found, key=lambda span: span.start)
    joined = channels.spoken(ChannelSpan(span, recording, 0) for span in ordered)
    spoken = np.zeros(1300, bool)
    for span in found:
        spoken[span.start : span.end] = True
    again = np.zeros_like(spoken)
    for span in joined:
        assert not again[span.start : span.end].any()
        again[span.start : span.end] = True
    assert np.array_equal(spoken, again)
    assert all(left.end < right.start for left, right in itertools.pairwise(joined))


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 3)), max_size=30))
def test_results_are_merged_in_time_and_stay_in_order_within_a_channel(
    times: list[tuple[float, int]],
) -> None:
    results = [
        (time_s, {"channel": channel, "number": number}) for number, (time_s, channel) in enumerate(times)
    ]
    merged = channels.in_time_order(results)
    assert len(merged) == len(results)
    for channel in range(4):
        numbers = [result["number"] for result in merged if result["channel"] == channel]
        assert numbers == sorted(numbers)
    orderly = [(time_s, {"channel": 0, "number": number}) for number, (time_s, _) in enumerate(sorted(times))]
    shuffled = channels.in_time_order(
        [(time_s, {**one, "channel": one["number"] % 3}) for time_s, one in orderly]
    )
    times_s = [orderly[result["number"]][0] for result in shuffled]
    assert times_s == sorted(times_s)
