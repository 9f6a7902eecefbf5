"""IBM's Python SDK, unmodified, recognises with every parameter that it knows."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import soundfile
from ibm_cloud_sdk_core import ApiException
from ibm_watson import SpeechToTextV1

from infra.local.demo.prompts import Prompt
from tests.contract.test_python_sdk import iam, sdk, wait
from tests.contract.test_python_sdk_websocket import listen
from tests.running_service import RunningService

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture
def stt(service: RunningService) -> SpeechToTextV1:
    return sdk(service, iam(service))


@pytest.fixture
def digits(prompts: list[Prompt]) -> io.BytesIO:
    """Three, nine, eight."""
    paths = {prompt.name: prompt.path for prompt in prompts}
    spoken = [soundfile.read(paths[f"digits/{digit}"], dtype="float32")[0] for digit in (3, 9, 8)]
    quiet = np.random.default_rng(0).standard_normal(4000).astype(np.float32) * 0.0005
    file = io.BytesIO()
    soundfile.write(file, np.concatenate([quiet, *spoken, quiet]), 8_000, format="WAV", subtype="PCM_16")
    file.seek(0)
    return file


def recognized(stt: SpeechToTextV1, audio: io.BytesIO, **parameters: Any) -> Any:
    audio.seek(0)
    return stt.recognize(audio, content_type="audio/wav", **parameters).get_result()


EVERYTHING: dict[str, Any] = {
    "model": "en-US_NarrowbandModel",
    "base_model_version": "en-US_NarrowbandModel.v2019-06-24",
    "inactivity_timeout": -1,
    "keywords": ["Nine", "elephant"],
    "keywords_threshold": 0.1,
    "max_alternatives": 3,
    "word_alternatives_threshold": 0.05,
    "word_confidence": True,
    "timestamps": True,
    "profanity_filter": False,
    "smart_formatting": True,
    "speaker_labels": True,
    "audio_metrics": True,
    "end_of_phrase_silence_time": 2.5,
    "split_transcript_at_phrase_end": True,
    "speech_detector_sensitivity": 0.5,
    "background_audio_suppression": 0.0,
}


def assert_everything_is_there(answer: Any) -> None:
    assert "warnings" not in answer
    assert answer["audio_metrics"]["sampling_interval"] == 0.1
    (result,) = answer["results"]
    assert result["final"] is True
    assert result["end_of_utterance"] == "end_of_data"
    first, *others = result["alternatives"]
    assert first["transcript"] == "398 "
    assert 1 <= len(others) <= 2
    assert 0.0 < first["confidence"] <= 1.0
    assert [word for word, _, _ in first["timestamps"]] == ["three", "nine", "eight"]
    assert [word for word, _ in first["word_confidence"]] == ["three", "nine", "eight"]
    times = [(start_s, end_s) for _, start_s, end_s in first["timestamps"]]
    assert [(label["from"], label["to"]) for label in answer["speaker_labels"]] == times
    assert result["keywords_result"].keys() == {"Nine"}
    spotted = result["keywords_result"]["Nine"][0]
    assert spotted["normalized_text"] == "nine"
    assert {"start_time", "end_time", "confidence"} < spotted.keys()
    assert any(place["alternatives"][0]["word"] == "nine" for place in result["word_alternatives"])


def test_every_parameter_over_http(stt: SpeechToTextV1, digits: io.BytesIO) -> None:
    assert_everything_is_there(recognized(stt, digits, **EVERYTHING))


def test_every_parameter_of_a_job(stt: SpeechToTextV1, digits: io.BytesIO) -> None:
    asked = EVERYTHING | {"processing_metrics": True, "processing_metrics_interval": 0.5}
    made = stt.create_job(digits, content_type="audio/wav", **asked).get_result()
    assert "warnings" not in made
    job = wait(lambda: stt.check_job(made["id"]).get_result(), lambda job: job["status"] == "completed")
    *reports, answer = job["results"]
    assert reports
    assert all("processing_metrics" in report for report in reports)
    assert_everything_is_there(answer)
    stt.delete_job(made["id"])


def test_every_parameter_over_a_websocket(stt: SpeechToTextV1, digits: io.BytesIO) -> None:
    heard = listen(stt, digits.getvalue(), "audio/wav", **EVERYTHING)
    assert not heard.of("error")
    (answer,) = heard.of("data")
    assert_everything_is_there(answer)


def test_redaction_and_the_names_of_the_next_generation(stt: SpeechToTextV1, digits: io.BytesIO) -> None:
    answer = recognized(
        stt,
        digits,
        model="en-US_Telephony",
        redaction=True,
        low_latency=True,
        character_insertion_bias=-0.1,
        end_of_phrase_silence_time=2.5,
        keywords=["nine"],
        keywords_threshold=0.1,
        smart_formatting_version=2,
    )
    assert answer["warnings"] == ["Unknown url query arguments: smart_formatting_version."]
    (result,) = answer["results"]
    assert [reading["transcript"] for reading in result["alternatives"]] == ["XXX "]
    assert "keywords_result" not in result


def test_a_custom_model_on_an_alias(stt: SpeechToTextV1) -> None:
    made = stt.create_acoustic_model("contract", "en-US_Telephony").get_result()["customization_id"]
    assert stt.get_acoustic_model(made).get_result()["base_model_name"] == "en-US_NarrowbandModel"
    stt.delete_acoustic_model(made)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"keywords_threshold": 1.5}, "parameter 'keywords_threshold': it must be a number from 0.0 to 1.0"),
        ({"max_alternatives": -1}, "parameter 'max_alternatives': it must be a whole number of at least 0"),
        ({"inactivity_timeout": 0}, "'inactivity_timeout': it must be a whole number of seconds, greater"),
        ({"keywords": ["nine"]}, "keywords_threshold must be set if keywords list is not empty"),
    ],
)
def test_a_bad_value_is_named(
    stt: SpeechToTextV1, digits: io.BytesIO, parameters: dict[str, Any], message: str
) -> None:
    with pytest.raises(ApiException) as refused:
        recognized(stt, digits, **parameters)
    assert refused.value.status_code == 400
    assert message in refused.value.message
