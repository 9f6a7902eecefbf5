"""The recognition function: events in, answers out."""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chalicelib.audio.containers import container_processes
from chalicelib.audio.containers.container_processes import ContainerProcesses
from chalicelib.recognition.audio import recordings
from chalicelib.recognition.audio.channels import AVERAGED_DIFFERENCE
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function import handler, pools, steps
from chalicelib.recognition.function.handler import handle
from chalicelib.storage import objects
from infra.local.demo.prompts import Prompt
from tests import adapted_models
from tests.audio import signals
from tests.audio.containers import scripted_container
from tests.audio.containers.test_container_processes import COMMAND as CONTAINER_COMMAND
from tests.recognition.audio import stereo
from tests.recognition.decoding.test_decoders import COMMAND as SCRIPTED
from tests.recognition.request.test_forms import BOUNDARY, form

BROADBAND, NARROWBAND = "en-US_BroadbandModel.v2020-01-16", "en-US_NarrowbandModel.v2019-06-24"


@pytest.fixture(autouse=True)
def _environment(
    account: None,
    pool: DecoderPool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.setattr(steps, "decoder_pool", lambda: pool)
    monkeypatch.setattr(steps, "background_pool", lambda: pool)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path_factory.mktemp("temporary")))


def event(data: bytes, content_type: str | None = None, **changes: Any) -> dict[str, Any]:
    objects.put("spool/audio", data)
    options = {"timestamps": True, "word_confidence": False, "max_alternatives": 1}
    return {
        "audio": {"bucket": "attune-test", "key": "spool/audio", "content_type": content_type},
        "base_version": NARROWBAND,
        "adapted_model": None,
        "options": {**options, "end_of_phrase_silence_time": 0.8, "of_a_later_version": 1},
        **changes,
    }


def artefact(base_version: str) -> dict[str, str]:
    """Store an adapted model that keeps its base."""
    content = adapted_models.sphinx_model(base_version, None)
    objects.put("models/adapted", content)
    return {"key": "models/adapted", "sha256": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("deed", "code", "message"),
    [
        (scripted_container.CRASH, 400, "take more memory or time than any recording needs"),
        (scripted_container.KILLED, 500, "Try again"),
    ],
    ids=["crashed", "killed from outside"],
)
def test_a_recording_that_ends_its_process_is_one_requests_error(
    deed: bytes, code: int, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = ContainerProcesses(CONTAINER_COMMAND)
    monkeypatch.setattr(container_processes, "shared", processes)
    try:
        answer = handle(event(deed + bytes(5000), "audio/flac"))
    finally:
        processes.close()
    assert answer["error"]["code"] == code
    assert message in answer["error"]["message"]


def test_speech_becomes_results(speech: Callable[..., bytes]) -> None:
    answer = handle(event(speech("conf-extended"), "audio/wav"))
    (result,) = answer["results"]["results"]
    (reading,) = result["alternatives"]
    assert "conference" in reading["transcript"]
    assert reading.keys() == {"transcript", "confidence", "timestamps"}
    assert objects.exists("spool/audio")


@pytest.mark.parametrize("streamed_s", [None, 0.5])
def test_streamed_silence_times_out(streamed_s: float | None) -> None:
    asked = event(signals.encoded(signals.silence(6, 8000), 8000, "WAV", "PCM_16"), "audio/wav")
    asked["options"]["inactivity_timeout"] = 5
    if streamed_s is not None:
        asked["audio"]["streamed_s"] = streamed_s
        assert handle(asked)["error"] == {"code": 400, "message": "No speech detected for 5s."}
    else:
        assert handle(asked)["results"]["results"] == []


def test_a_model_that_kept_its_base_recognises_like_it(speech: Callable[..., bytes]) -> None:
    audio = speech("conf-extended", pause_s=0.3)
    adapted = handle(event(audio, adapted_model=artefact(NARROWBAND)))
    assert adapted["results"]["results"]
    assert adapted == handle(event(audio))


@pytest.mark.parametrize("harm", ["other base", "other content", "gone"])
def test_a_damaged_model_is_said_to_be_one(harm: str, speech: Callable[..., bytes]) -> None:
    adapted = artefact(BROADBAND if harm == "other base" else NARROWBAND)
    if harm == "other content":
        adapted["sha256"] = "00" * 32
    if harm == "gone":
        adapted = {"key": "models/gone", "sha256": "11" * 32}
    answer = handle(event(speech("conf-extended", pause_s=0.3), adapted_model=adapted))
    assert answer["error"] == {
        "code": 500,
        "message": "The custom model's data is damaged. Train the model again.",
    }


def test_a_large_answer_goes_through_the_bucket(
    speech: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "INLINE_RESULTS_BYTES", 100)
    answer = handle(event(speech("conf-extended", pause_s=0.3)))
    assert answer.keys() == {"results_key", "audio_s"}
    assert answer["results_key"].startswith("spool/")
    assert json.loads(objects.get(answer["results_key"]))["results"]


def test_a_job_has_its_results_kept_where_it_wants_them(speech: Callable[..., bytes]) -> None:
    audio = speech("conf-extended", pause_s=0.3)
    results = handle(event(audio))["results"]
    keep = {"key": "jobs/o/j/results.json", "created_s": 0.0, "warnings": ["too low"]}
    asked = event(audio, step={"prefix": "jobs/o/j/pieces/", "keep": keep})
    assert handle(asked)["kept"] == "jobs/o/j/results.json"
    assert json.loads(objects.get("jobs/o/j/results.json")) == [results | {"warnings": ["too low"]}]


NARROW = signals.encoded(signals.voice(1, 8000), 8000, "WAV", "PCM_16")


@pytest.mark.parametrize(
    ("data", "content_type", "base_version", "code", "message"),
    [
        (
            b"no audio at all " * 20,
            "audio/mp3",
            BROADBAND,
            400,
            "unable to transcode data stream audio/mpeg -> audio/l16 : The bytes cannot be read as audio/mpeg",
        ),
        (
            b"no audio at all " * 20,
            None,
            BROADBAND,
            400,
            "unable to transcode data stream application/octet-stream -> audio/l16 : ",
        ),
        (
            NARROW,
            "audio/ogg",
            BROADBAND,
            400,
            "unable to transcode data stream audio/ogg -> audio/l16 : This was sent as audio/ogg, but it is "
            "audio/wav. Send it again with that Content-Type.",
        ),
        (
            NARROW,
            "audio/wav",
            BROADBAND,
            400,
            "This 8000hz audio input requires a narrow band model.  "
            "See https://<STT_API_ENDPOINT>/v1/models for a list of available models. "
            "The audio is sampled at 8000 Hz, but the base model needs at least 16000 Hz.",
        ),
        (
            signals.encoded(signals.voice(1, 6000), 6000, "WAV", "PCM_16"),
            None,
            NARROWBAND,
            400,
            "This 6000hz audio input has too low a rate: record it at 8000hz or more.",
        ),
        (NARROW, "audio/l16", NARROWBAND, 400, "rate parameter missing in mimetype audio/l16"),
    ],
)
def test_bad_audio_is_answered_in_watsons_words(
    data: bytes, content_type: str | None, base_version: str, code: int, message: str
) -> None:
    answer = handle(event(data, content_type, base_version=base_version))
    assert answer["error"]["code"] == code
    assert answer["error"]["message"].startswith(message)


def test_an_unsupported_type() -> None:
    answer = handle(event(NARROW, "video/x-msvideo"))
    assert answer["error"]["code"] == 415
    assert answer["error"]["message"].startswith("Unsupported mimetype 'video/x-msvideo'")


def test_a_full_disk_is_no_fault_of_the_audio(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(key: str, path: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    asked = event(NARROW)
    monkeypatch.setattr(objects, "download", full)
    assert handle(asked)["error"]["code"] == 503


def test_a_failing_engine_is_answered(monkeypatch: pytest.MonkeyPatch, speech: Callable[..., bytes]) -> None:
    with DecoderPool(1, command=("false",)) as broken:
        monkeypatch.setattr(steps, "decoder_pool", lambda: broken)
        answer = handle(event(speech("conf-extended", pause_s=0.3)))
    assert answer["error"]["code"] == 500
    assert answer["error"]["message"].startswith("Recognition failed.")


def test_a_customization_that_the_engine_cannot_use_is_the_requests_fault(
    monkeypatch: pytest.MonkeyPatch, speech: Callable[..., bytes]
) -> None:
    with DecoderPool(1, command=SCRIPTED) as narrow:
        monkeypatch.setattr(steps, "decoder_pool", lambda: narrow)
        answer = handle(event(speech("conf-extended", pause_s=0.3), language_model=artefact(NARROWBAND)))
    assert answer["error"]["code"] == 400
    assert "it takes no custom language models" in answer["error"]["message"]
    assert "base_model_version" in answer["error"]["message"]


def test_there_is_one_pool_for_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert pools.decoder_pool() is pools.decoder_pool()
    assert pools.decoder_pool().process_ids == ()


def form_event(*audio: bytes, parts: int | None = None, **changes: Any) -> dict[str, Any]:
    asked = event(
        form(("metadata", None, b"{}"), *(("upload", "audio/wav", data) for data in audio)), **changes
    )
    asked["audio"]["form"] = {"boundary": BOUNDARY, "parts": parts}
    return asked


def test_the_files_of_a_form_become_one_answer(speech: Callable[..., bytes]) -> None:
    names = ("conf-extended", "conf-invalid")
    audio = [speech(name, pause_s=0.3) for name in names]
    answer = handle(form_event(*audio, parts=2))["results"]
    alone = [handle(event(data))["results"]["results"] for data in audio]
    assert answer == {"result_index": 0, "results": [*alone[0], *alone[1]]}


def test_what_is_wrong_with_two_files_is_said_once(prompt_named: dict[str, Prompt]) -> None:
    call = signals.wav(stereo.call(prompt_named)[: 5 * stereo.RATE_HZ], stereo.RATE_HZ)
    answer = handle(form_event(call, call))["results"]
    assert answer["warnings"] == [AVERAGED_DIFFERENCE]
    separate = handle(form_event(call, call, options={"channels": "separate", "timestamps": True}))["results"]
    assert "warnings" not in separate
    half = len(separate["results"]) // 2
    assert separate["results"][:half] == separate["results"][half:]


def test_a_jobs_warnings_come_before_those_of_its_audio(prompt_named: dict[str, Prompt]) -> None:
    keep = {"key": "jobs/o/j/results.json", "created_s": 0.0, "warnings": ["Unknown url query arguments: x."]}
    call = signals.wav(stereo.call(prompt_named)[: 5 * stereo.RATE_HZ], stereo.RATE_HZ)
    assert handle(event(call, step={"prefix": "jobs/o/j/pieces/", "keep": keep}))["kept"] == keep["key"]
    (kept,) = json.loads(objects.get("jobs/o/j/results.json"))
    assert kept["warnings"] == ["Unknown url query arguments: x.", AVERAGED_DIFFERENCE]
    assert list(kept)[:2] == ["result_index", "warnings"]


def test_more_channels_than_can_be_separated_are_refused() -> None:
    data = np.zeros((8000, 12), np.int16).tobytes()
    said = "audio/l16;rate=8000;channels=12;endianness=little-endian"
    error = handle(event(data, said, options={"channels": "separate"}))["error"]
    assert error["code"] == 400
    assert error["message"].startswith("The audio has 12 channels, but channels=separate takes at most 8.")


@pytest.mark.parametrize(
    ("audio", "parts", "message"),
    [
        ([NARROW, NARROW], 3, "data_parts_count is 3, but the form has 2 parts named 'upload'."),
        ([NARROW, b"short"], None, "Stream was 5 bytes but needs to be at least 100 bytes."),
        ([], None, "The form has no part named 'upload', so there is no audio."),
    ],
)
def test_a_form_that_holds_something_else(audio: list[bytes], parts: int | None, message: str) -> None:
    assert handle(form_event(*audio, parts=parts))["error"] == {"code": 400, "message": message}


def test_what_was_decoded_is_told_also_where_it_is_of_no_use(speech: Callable[..., bytes]) -> None:
    said = speech("conf-extended", pause_s=0.3)
    whole = handle(event(said))
    cut = handle(event(said[: len(said) // 2]))
    assert whole["audio_s"] > 2
    assert 0 < cut["audio_s"] < whole["audio_s"]


def test_an_owner_who_holds_too_much_is_told_to_wait(
    monkeypatch: pytest.MonkeyPatch, speech: Callable[..., bytes]
) -> None:
    monkeypatch.setenv("ATTUNE_OWNER_TEMPORARY_BYTES", "1000000")
    asked = event(speech("conf-extended", pause_s=0.3)) | {"owner": "one"}
    with recordings.held.holding("one") as take:
        take(999_000)
        assert handle(asked)["error"]["code"] == 429
        assert "results" in handle(asked | {"owner": "other"})
    assert "results" in handle(asked)
