"""OpenAI's audio API: what is read of its forms, handed over and answered. The function behind it is scripted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.gateway.backend import BackendRequest
from chalicelib.recognition.request.options import Options
from chalicelib.sharing import usage
from chalicelib.storage.tables import AcousticModel
from tests.api.calling import BACKEND, Answer, Instance, Model, send
from tests.api.test_recognition import GUID, WAV, spooled
from tests.recognition.request.test_forms import BOUNDARY, form
from tests.recognition.results.test_cues import result
from tests.recognition_function import Function

RESULTS: dict[str, Any] = {
    "result_index": 0,
    "results": [result("Good morning, Vienna."), result("Bye!", start_s=3.0)],
}
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
Transcribe = Callable[..., Answer]


def bearer(instance: Instance) -> dict[str, str]:
    return {"Authorization": f"Bearer {instance.key}"}


@pytest.fixture
def transcribe(instance: Instance, function: Function) -> Transcribe:
    function.answer = {"results": RESULTS, "audio_s": 4.2}

    def post(*files: bytes, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        """Send a form; a name that ends with an underscore is a list's."""
        parts = [("file", "audio/x-m4a", data) for data in files or (WAV,)]
        asked = {"model": "whisper-1"} | fields
        texts = [
            (f"{name.removesuffix('_')}[]" if name.endswith("_") else name, None, text.encode())
            for name, text in asked.items()
        ]
        sent = bearer(instance) | {"Content-Type": TYPE} | (headers or {})
        return send("POST", "/v1/audio/transcriptions", form(*parts, *texts), headers=sent)

    return post


def refusal(answer: Answer) -> tuple[int, str, str, str]:
    (error,) = answer.json.values()
    assert list(error) == ["message", "type", "param", "code"]
    return answer.status, error["type"], error["param"], error["message"]


def test_a_file_becomes_text(transcribe: Transcribe, function: Function, instance: Instance) -> None:
    answer = transcribe()
    assert (answer.status, answer.json) == (
        200,
        {"text": "Good morning, Vienna. Bye!", "usage": {"type": "duration", "seconds": 5}},
    )
    (event,) = function.events
    assert event["audio"]["form"] == {"boundary": BOUNDARY, "parts": 1, "name": "file", "by_content": True}
    assert event["base_version"] == "en-US_BroadbandModel.v2026-11-30"
    assert Options.from_json(event["options"]) == Options(
        model="en-US_BroadbandModel",
        written=True,
        timestamps=True,
        profanity_filter=False,
        smart_formatting=True,
    )
    assert event["owner"] == instance.owner
    assert spooled() == []


@pytest.mark.parametrize(
    ("response_format", "content_type", "body"),
    [
        ("text", "text/plain; charset=utf-8", "Good morning, Vienna. Bye!\n"),
        (
            "srt",
            "application/x-subrip; charset=utf-8",
            "1\n00:00:00,000 --> 00:00:01,200\nGood morning, Vienna.\n\n2\n00:00:03,000 --> 00:00:04,000\nBye!\n",
        ),
        (
            "vtt",
            "text/vtt; charset=utf-8",
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.200\nGood morning, Vienna.\n\n00:00:03.000 --> 00:00:04.000\nBye!\n",
        ),
    ],
)
def test_texts_and_subtitles(
    transcribe: Transcribe, response_format: str, content_type: str, body: str
) -> None:
    answer = transcribe(response_format=response_format)
    assert (answer.status, answer.headers["content-type"], answer.body.decode()) == (200, content_type, body)


def test_verbose_json_has_the_times_that_are_asked_for(transcribe: Transcribe) -> None:
    plain = transcribe(response_format="verbose_json").json
    assert {name: plain[name] for name in ("task", "language", "duration", "text")} == {
        "task": "transcribe",
        "language": "english",
        "duration": 4.2,
        "text": "Good morning, Vienna. Bye!",
    }
    assert [(one["id"], one["start"], one["end"], one["text"]) for one in plain["segments"]] == [
        (0, 0.0, 1.2, " Good morning, Vienna."),
        (1, 3.0, 4.0, " Bye!"),
    ]
    assert plain["segments"][0]["avg_logprob"] == pytest.approx(-0.105, abs=0.001)
    assert "words" not in plain
    words = transcribe(response_format="verbose_json", timestamp_granularities_="word").json
    assert "segments" not in words
    assert words["words"][1:3] == [
        {"word": "morning", "start": 0.4, "end": 0.8},
        {"word": "Vienna", "start": 0.8, "end": pytest.approx(1.2)},
    ]


def test_a_stream_has_a_delta_for_each_utterance_and_then_the_text(transcribe: Transcribe) -> None:
    answer = transcribe(stream="true")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = [block.split("\n") for block in answer.body.decode().removesuffix("\n\n").split("\n\n")]
    documents = [json.loads(data.removeprefix("data: ")) for _, data in events]
    assert [name.removeprefix("event: ") for name, _ in events] == [one["type"] for one in documents]
    *deltas, done = documents
    assert "".join(one["delta"] for one in deltas) == done["text"] == "Good morning, Vienna. Bye!"
    assert (len(deltas), done["type"]) == (2, "transcript.text.done")


@pytest.mark.parametrize("told", [1, 2])
def test_a_stream_begins_before_all_is_known(
    instance: Instance, function: Function, account: None, told: int
) -> None:
    function.answer = {"results": RESULTS, "audio_s": 4.2}
    function.told = RESULTS["results"][:told]
    texts = [("model", None, b"whisper-1"), ("stream", None, b"true")]
    body = form(("file", None, WAV), *texts)
    headers = {"authorization": f"Bearer {instance.key}", "content-type": TYPE, "accept-encoding": "gzip"}
    early: list[tuple[str, bytes]] = []
    request = BackendRequest(
        "POST",
        "/v1/audio/transcriptions",
        "",
        tuple(headers.items()),
        body,
        early=lambda *part: early.append(part),
    )
    answer = BACKEND(request)
    assert [content_type for content_type, _ in early] == told * ["text/event-stream; charset=utf-8"]
    whole = b"".join(data for _, data in early) + answer.body
    assert whole == BACKEND(dataclasses.replace(request, early=None)).body
    assert answer.body.count(b"event: transcript.text.delta") == 2 - told


def test_what_has_no_effect_is_told(transcribe: Transcribe) -> None:
    asked = {"prompt": "Zyzzyva", "temperature": "0.4", "include_": "logprobs", "foo": "bar"}
    answer = transcribe(**asked)
    warnings = answer.json["warnings"]
    assert [text.split()[0] for text in warnings] == ["prompt", "include", "temperature", "Unknown"]
    told = transcribe(response_format="srt", **asked)
    assert told.headers["warning"].count("199 attune") == 4
    assert "warnings" not in transcribe(temperature="0").json


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"model": " "}, "model", "The field 'model' is missing"),
        ({"response_format": "docx"}, "response_format", "it must be one of json, text, srt"),
        ({"stream": "perhaps"}, "stream", "it must be true or false"),
        ({"stream": "true", "response_format": "srt"}, "stream", "'srt' cannot be streamed"),
        ({"temperature": "hot"}, "temperature", "it must be a number from 0 to 1"),
        ({"temperature": "nan"}, "temperature", "it must be a number from 0 to 1"),
        ({"timestamp_granularities_": "word"}, "timestamp_granularities", "needs the response_format"),
        (
            {"timestamp_granularities_": "letter", "response_format": "verbose_json"},
            "timestamp_granularities",
            "it must be word or segment",
        ),
        ({"language": "ko"}, "language", "No model hears 'ko'. Languages served here: en-US."),
        (
            {"language": "de", "model": "en-US_NarrowbandModel"},
            "language",
            "The model 'en-US_NarrowbandModel' hears en-US, not 'de'.",
        ),
    ],
)
def test_fields_that_make_no_sense_are_named(
    transcribe: Transcribe, fields: dict[str, str], param: str, message: str
) -> None:
    status, kind, named, said = refusal(transcribe(**fields))
    assert (status, kind, named) == (400, "invalid_request_error", param)
    assert message in said


def test_the_form_needs_one_file(transcribe: Transcribe, instance: Instance) -> None:
    assert refusal(transcribe(WAV, WAV))[2:] == ("file", "The form needs one part named 'file'; it has 2.")
    headers = bearer(instance) | {"Content-Type": "application/json"}
    plain = send("POST", "/v1/audio/transcriptions", b"{}", headers=headers)
    assert refusal(plain)[:3] == (400, "invalid_request_error", "file")


@pytest.mark.parametrize("name", ["nothing", GUID])
def test_a_model_that_is_not_there_is_not_found(transcribe: Transcribe, name: str) -> None:
    status, kind, param, message = refusal(transcribe(model=name))
    assert (status, kind, param) == (404, "invalid_request_error", "model")
    assert message.startswith(f"The model '{name}' does not exist. There are whisper-1, ")


def test_credentials_are_refused_in_their_shape(transcribe: Transcribe) -> None:
    for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": ""}):
        status, kind, _, message = refusal(transcribe(headers=headers))
        assert (status, kind) == (401, "authentication_error")
        assert "Authorization: Bearer" in message


def _trained(model: Model) -> None:
    row = model.row
    promoted = {"promoted_version": row.versions[0], "promoted_run": 1, "promoted_sha256": "0" * 64}
    row.update(actions=[getattr(AcousticModel, name).set(value) for name, value in promoted.items()])


def test_a_trained_model_is_named_by_its_id(transcribe: Transcribe, function: Function, model: Model) -> None:
    assert refusal(transcribe(model=model.customization_id))[0] == 400, "it was never trained"
    _trained(model)
    answer = transcribe(model=model.customization_id, language="en")
    assert answer.status == 200
    assert function.events[-1]["adapted_model"]["key"].startswith("models/")
    assert "gives spoken words only" in answer.json["warnings"][0], "the light engine does not write"


def test_somebody_elses_model_does_not_exist(transcribe: Transcribe, account: None) -> None:
    theirs = Instance().model()
    _trained(theirs)
    foreign = refusal(transcribe(model=theirs.customization_id))
    nobodys = refusal(transcribe(model=GUID))
    assert foreign[:3] == nobodys[:3]
    assert foreign[3].replace(theirs.customization_id, GUID) == nobodys[3]
    stranger = Instance()
    shown = [
        send("GET", f"/v1/models/{name}", headers=bearer(stranger))
        for name in (theirs.customization_id, GUID)
    ]
    assert {answer.status for answer in shown} == {404}
    assert shown[0].body.decode().replace(theirs.customization_id, GUID) == shown[1].body.decode()


def test_telephone_calls_are_heard_by_the_narrowband_model_where_none_was_asked_for(
    transcribe: Transcribe, function: Function
) -> None:
    too_low = {"error": {"code": 400, "message": "8000hz", "rate_too_low": True}}

    def answer(event: dict[str, Any]) -> dict[str, Any]:
        broad = event["base_version"].startswith("en-US_Broadband")
        return too_low if broad else {"results": RESULTS, "audio_s": 1.0}

    function.answer = answer
    assert transcribe().json["text"] == "Good morning, Vienna. Bye!"
    assert refusal(transcribe(model="en-US_BroadbandModel"))[3] == "8000hz"
    assert spooled() == []


def test_a_budget_that_is_used_up_is_theirs_to_wait_for(
    transcribe: Transcribe, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_OWNER_AUDIO_S_PER_HOUR", "10")
    usage.add(instance.owner, 100.0)
    answer = transcribe()
    assert refusal(answer)[:2] == (429, "rate_limit_error")
    assert int(answer.headers["retry-after"]) > 0


def test_models_are_listed_in_the_shape_of_whoever_asks(instance: Instance, model: Model) -> None:
    def listed(headers: dict[str, str]) -> Any:
        return send("GET", "/v1/models", headers=headers).json

    assert "models" in instance("GET", "/models").json
    theirs = listed(bearer(instance))
    assert theirs["object"] == "list"
    assert {one["id"] for one in theirs["data"]} == {
        "en-US_BroadbandModel",
        "en-US_NarrowbandModel",
        "whisper-1",
    }
    _trained(model)
    by_name = {"X-Stainless-Lang": "js"} | {"Authorization": instance("GET", "/models").headers.get("x", "")}
    assert send("GET", "/v1/models", headers=by_name).json["error"]["code"] == "invalid_api_key"
    (mine,) = [one for one in listed(bearer(instance))["data"] if one["id"] == model.customization_id]
    assert (mine["name"], mine["owned_by"], mine["object"]) == ("kitchen", instance.owner, "model")
    shown = send("GET", f"/v1/models/{model.customization_id}", headers=bearer(instance))
    assert shown.json == mine
    assert send("GET", "/v1/models/whisper-1", headers=bearer(instance)).json["id"] == "whisper-1"
    missing = send("GET", f"/v1/models/{GUID}", headers=bearer(instance))
    assert (missing.status, missing.json["error"]["code"]) == (404, "model_not_found")


def test_a_wrong_method_is_refused_in_their_shape(instance: Instance) -> None:
    answer = send("GET", "/v1/audio/transcriptions", headers=bearer(instance))
    assert refusal(answer)[0] == 405
