"""Real speech through the real engine, from a file to the answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chalicelib.engines.protocol import BASE_ALONE
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function.transcription import transcribe
from chalicelib.recognition.request.options import Options
from infra.local.demo.prompts import Prompt
from infra.local.demo.scoring import word_error_rate
from tests.audio import signals

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
NAMES = ("conf-extended", "conf-invalid", "cannot-complete-as-dialed")
EVERYTHING = Options(timestamps=True, word_confidence=True, max_alternatives=3)


@pytest.fixture
def answer_to(tmp_path: Path, pool: DecoderPool) -> Callable[..., Any]:
    def recognise(data: bytes, options: Options = EVERYTHING) -> Any:
        source = tmp_path / "audio"
        source.write_bytes(data)
        return transcribe(source, None, NARROWBAND, BASE_ALONE, options=options, pool=pool)

    return recognise


def transcripts(answer: Any) -> list[str]:
    return [result["alternatives"][0]["transcript"] for result in answer["results"]]


def test_each_prompt_becomes_a_result_with_its_words_in_time(
    answer_to: Callable[..., Any], speech: Callable[..., bytes], prompt_named: dict[str, Prompt]
) -> None:
    answer = answer_to(speech(*NAMES))
    texts = [prompt_named[name].text for name in NAMES]
    assert len(answer["results"]) == 3
    assert word_error_rate(texts, transcripts(answer)).rate <= 0.1
    end_s = 0.0
    for name, result in zip(NAMES, answer["results"], strict=True):
        begin_s, end_s = end_s + 1.5, end_s + 1.5 + prompt_named[name].duration_s
        times = [time for _, start, stop in result["alternatives"][0]["timestamps"] for time in (start, stop)]
        assert all(before <= after for before, after in itertools.pairwise(times))
        assert begin_s - 0.1 <= times[0] <= times[-1] <= end_s + 0.1
        assert 0.5 < result["alternatives"][0]["confidence"] <= 1.0


def test_alternatives_are_other_readings(answer_to: Callable[..., Any], speech: Callable[..., bytes]) -> None:
    (result,) = answer_to(speech("conf-invalid"))["results"]
    readings = [alternative["transcript"] for alternative in result["alternatives"]]
    assert len(readings) == 3
    assert len(set(readings)) == 3


def test_a_longer_silence_time_keeps_an_utterance_together(
    answer_to: Callable[..., Any], speech: Callable[..., bytes]
) -> None:
    answer = answer_to(speech(*NAMES[:2]), Options(end_of_phrase_silence_time=3.0))
    (result,) = answer["results"]
    assert result["alternatives"][0].keys() == {"transcript", "confidence"}


def test_audio_metrics_tell_speech_from_the_line(
    answer_to: Callable[..., Any], speech: Callable[..., bytes]
) -> None:
    answer = answer_to(speech("conf-invalid"), Options(audio_metrics=True))
    accumulated = answer["audio_metrics"]["accumulated"]
    assert 30 < accumulated["signal_to_noise_ratio"] < 60
    assert 0.4 < accumulated["speech_ratio"] < 0.8
    assert accumulated["high_frequency_loss"] < 0.1
    assert sum(step["count"] for step in accumulated["clipping_rate"]) == round(accumulated["end_time"] / 0.1)


def test_nothing_reaches_the_engine_when_nothing_counts_as_speech(
    answer_to: Callable[..., Any], speech: Callable[..., bytes]
) -> None:
    answer = answer_to(speech("conf-invalid"), Options(speech_detector_sensitivity=0.0))
    assert answer == {"result_index": 0, "results": []}


def test_the_same_audio_gets_the_same_answer(
    answer_to: Callable[..., Any], speech: Callable[..., bytes]
) -> None:
    audio = speech("conf-extended", "conf-kicked")
    first = answer_to(audio)
    assert answer_to(audio) == first


@pytest.mark.parametrize("sound", [signals.silence, signals.noise, signals.tone])
def test_where_nobody_speaks_nothing_is_said(
    answer_to: Callable[..., Any], sound: Callable[[float, int], signals.Samples]
) -> None:
    data = signals.encoded(sound(5.0, 8000), 8000, "WAV", "PCM_16")
    assert answer_to(data) == {"result_index": 0, "results": []}
