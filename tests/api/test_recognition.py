"""`POST /v1/recognize`: what the API checks, hands over and answers. The function behind it is scripted."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config

from chalicelib.api.http import authentication, tokens
from chalicelib.recognition.request import backend
from chalicelib.recognition.request.models import ServingModel
from chalicelib.recognition.request.options import Options
from chalicelib.storage import credentials, objects, spool
from tests.api.calling import Answer, Instance, assert_error, basic, send
from tests.recognition.results.test_cues import result
from tests.recognition_function import RESULTS, Function

GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)


@dataclass(frozen=True)
class Api:
    """The application, called by an owner."""

    instance: Instance

    def recognize(self, body: bytes = WAV, query: str = "", **headers: str) -> Answer:
        """Headers are written with underscores."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given["Authorization"] = basic(self.instance.key)
        return send("POST", f"/v1/recognize{query}", body, headers=given)


@pytest.fixture
def api(instance: Instance) -> Api:
    return Api(instance)


def error_of(answer: Answer) -> tuple[int, str]:
    message = answer.json["error"]
    assert_error(answer, answer.status, message)
    return answer.status, message


def spooled() -> list[str]:
    return list(objects.keys("spool/"))


def test_the_answer_of_the_function_is_passed_on(api: Api, function: Function) -> None:
    response = api.recognize(Content_Type="audio/wav")
    assert (response.status, response.json) == (200, RESULTS)
    assert response.headers["x-global-transaction-id"]
    assert function.heard == [WAV]
    (event,) = function.events
    assert event["audio"].keys() == {"bucket", "key", "content_type"}
    assert event["audio"]["content_type"] == "audio/wav"
    assert event["base_version"] == "en-US_BroadbandModel.v2026-11-30"
    assert event["adapted_model"] is None
    assert Options.from_json(event["options"]) == Options()
    assert spooled() == []


def test_options_and_the_custom_model_are_handed_over(api: Api, function: Function) -> None:
    model = api.instance.model().row
    model.promoted_run, model.promoted_sha256 = 4, "ab" * 32
    model.promoted_version = "en-US_BroadbandModel.v2026-11-30"
    model.save()
    query = (
        f"?acoustic_customization_id={model.customization_id}&timestamps=true&word_confidence=true"
        "&max_alternatives=3&end_of_phrase_silence_time=2"
    )
    assert api.recognize(query=query).json == RESULTS
    (event,) = function.events
    assert event["audio"]["content_type"] is None
    assert event["adapted_model"]["sha256"] == "ab" * 32
    assert f"{model.customization_id}/000004/" in event["adapted_model"]["key"]
    assert Options.from_json(event["options"]) == Options(
        acoustic_customization_id=model.customization_id,
        timestamps=True,
        word_confidence=True,
        max_alternatives=3,
        end_of_phrase_silence_time=2.0,
    )


@pytest.mark.parametrize(("said", "expected"), [("12.5", 12.5), (None, None), ("nan", None), ("x", None)])
def test_how_long_the_audio_was_streamed_is_handed_over(
    api: Api, function: Function, said: str | None, expected: float | None
) -> None:
    if said is None:
        api.recognize()
    else:
        api.recognize(X_Attune_Streamed=said)
    assert function.events[0]["audio"].get("streamed_s") == expected


def test_warnings_stand_before_the_results(api: Api, function: Function) -> None:
    answer = api.recognize(query="?b=1&a=2&interim_results=true").json
    assert list(answer) == ["result_index", "warnings", "results"]
    assert answer["warnings"] == [
        "Unknown url query arguments: a, b.",
        "Not supported over HTTP and ignored: interim_results.",
    ]
    assert answer["results"] == RESULTS["results"]


def test_the_written_text_is_asked_for_and_missed_where_the_version_does_not_write(
    api: Api, function: Function
) -> None:
    light = "&base_model_version=en-US_BroadbandModel.v2020-01-16"
    answers = [api.recognize(query=f"?written=true{version}").json for version in ("", light)]
    assert [event["options"]["written"] for event in function.events] == [True, True]
    assert "warnings" not in answers[0]
    assert [warning[:38] for warning in answers[1]["warnings"]] == ["written has no effect: version en-US_B"]


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        (
            "?model=xx-XX_BroadbandModel",
            404,
            "Model xx-XX_BroadbandModel not found: this service has en-US_BroadbandModel, "
            "en-US_NarrowbandModel. GET /v1/models describes them.",
        ),
        ("?acoustic_customization_id=12", 400, "Malformed GUID: '12'"),
        (f"?acoustic_customization_id={GUID}", 401, f"Invalid customization_id '{GUID}' for user"),
        (f"?language_customization_id={GUID}", 401, f"Invalid customization_id '{GUID}' for user"),
        ("?keywords=rain", 400, "keywords_threshold must be set if keywords list is not empty"),
        (
            "?max_alternatives=-1",
            400,
            "Invalid value '-1' for parameter 'max_alternatives': it must be a whole number of at least 0",
        ),
        (
            "?customization_weight=0.4",
            400,
            "Cannot specify customization weight when not using customization.",
        ),
    ],
)
def test_a_query_that_is_refused(api: Api, function: Function, query: str, status: int, message: str) -> None:
    assert error_of(api.recognize(query=query)) == (status, message)
    assert function.events == []


def test_an_untrained_model_is_refused(api: Api, function: Function) -> None:
    model = api.instance.model().row
    assert error_of(api.recognize(query=f"?acoustic_customization_id={model.customization_id}")) == (
        400,
        "Requested custom acoustic model is not available. Please make sure the custom model is trained.",
    )


@pytest.mark.parametrize("size", [0, 1, 99])
def test_too_little_audio(api: Api, function: Function, size: int) -> None:
    assert error_of(api.recognize(bytes(size), Content_Type="audio/wav")) == (
        400,
        f"Stream was {size} bytes but needs to be at least 100 bytes.",
    )
    assert spooled() == []


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", WAV, 200),
        ("application/x-www-form-urlencoded", WAV, 200),
        ("application/octet-stream", WAV, 200),
        ("application/json", bytes(200), 415),
        ("application/x-www-form-urlencoded", b"a=b" * 50, 415),
        ("text/plain", WAV, 415),
        ("application/zip", WAV, 415),
        ("audio/l16", bytes(200), 400),
        ("audio/l16; rate=44100", bytes(200), 200),
    ],
)
def test_content_types(api: Api, function: Function, content_type: str, body: bytes, status: int) -> None:
    response = api.recognize(body, Content_Type=content_type)
    assert response.status == status
    if status == 415:
        assert error_of(response)[1].startswith(f"Unsupported mimetype '{content_type}'")
    assert len(function.events) == (status == 200)


def test_without_a_key_nothing_is_recognised(api: Api, function: Function) -> None:
    response = send("POST", "/v1/recognize", WAV)
    assert response.status == 401
    assert function.events == []


def test_a_body_that_the_front_door_has_stored(api: Api, function: Function) -> None:
    key = spool.new_key()
    objects.put(key, WAV)
    header = spool.write_header(spool.Spooled(key, len(WAV)))
    assert api.recognize(b"", X_Attune_Body=header).json == RESULTS
    assert function.heard == [WAV]
    assert spooled() == []


def test_a_body_yet_to_come_is_checked_for_all_but_itself(api: Api, function: Function) -> None:
    pending = spool.write_header(spool.Spooled(spool.PENDING, 50_000_000))
    assert api.recognize(b"", X_Attune_Body=pending).status == 204
    assert api.recognize(b"", "?model=none", X_Attune_Body=pending).status == 404
    assert api.recognize(b"", X_Attune_Body=pending, Content_Type="video/x-msvideo").status == 415
    too_large = spool.write_header(spool.Spooled(spool.PENDING, 100 * 1024 * 1024 + 1))
    assert api.recognize(b"", X_Attune_Body=too_large).status == 413
    forged = pending.replace("50000000", "50000001")
    assert api.recognize(b"", X_Attune_Body=forged).status == 400
    assert function.events == []


def test_what_is_wrong_with_the_audio_is_passed_on(api: Api, function: Function) -> None:
    message = "unable to transcode data stream audio/mpeg -> audio/l16 "
    function.answer = {"error": {"code": 400, "message": message}}
    assert error_of(api.recognize(Content_Type="audio/wav")) == (400, message)
    assert spooled() == []


def test_a_large_answer_comes_through_the_bucket(api: Api, function: Function) -> None:
    key = f"spool/{uuid.uuid4()}"
    objects.put(key, json.dumps(RESULTS).encode())
    function.answer = {"results_key": key}
    assert api.recognize().json == RESULTS
    assert spooled() == []


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (
            ValueError("secret detail"),
            "Recognition failed. Try again; if it fails again, tell your operator.",
        ),
        (
            TimeoutError("2026-11-24 Task timed out after 900.00 seconds"),
            "Recognition took longer than this service allows. Send the audio in shorter parts.",
        ),
    ],
)
def test_a_function_that_fails_gives_nothing_away(
    api: Api, function: Function, failure: Exception, message: str
) -> None:
    function.answer = failure
    assert error_of(api.recognize()) == (500, message)
    assert len(function.events) == 1
    assert spooled() == []


def test_a_function_out_of_reach(api: Api, function: Function, monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client(
        "lambda",
        endpoint_url="http://127.0.0.1:9",
        config=Config(retries={"total_max_attempts": 1}),
    )
    monkeypatch.setattr(backend, "_client", lambda: client)
    status, message = error_of(api.recognize())
    assert (status, message) == (
        503,
        "Recognition has no capacity at the moment. Try again in a minute.",
    )
    assert spooled() == []


def connecting(instance: Instance, query: str = "", *, reference: str | None = None) -> Answer:
    """Ask as the front door does before it accepts a WebSocket."""
    signed = spool.write_header(spool.Spooled(spool.PENDING, 0)) if reference is None else reference
    return instance("GET", f"/recognize{query}", headers={"X-Attune-Body": signed} if signed else {})


def continued(instance: Instance, authorization: str, heard_s: int) -> Answer:
    """Ask as the front door does before a further request of an open connection."""
    header = spool.write_header(spool.Spooled(spool.CONTINUED, heard_s))
    return send("GET", "/v1/recognize", headers={"X-Attune-Body": header, "Authorization": authorization})


def test_an_open_connection_goes_on_with_an_expired_token_and_without_a_key_it_does_not(
    instance: Instance,
) -> None:
    key_hash = credentials.hash_of(instance.key)
    old, _ = tokens.issue(key_hash, now_s=time.time() - tokens.LIFETIME_S - 60)
    assert continued(instance, f"Bearer {old}", 0).status == 200
    assert send("GET", "/v1/models", headers={"Authorization": f"Bearer {old}"}).status == 401
    forged = {"X-Attune-Body": f"{spool.CONTINUED};0;00", "Authorization": f"Bearer {old}"}
    assert send("GET", "/v1/recognize", headers=forged).status == 401
    credentials.revoke(key_hash)
    authentication._known._owners.clear()  # what is remembered for some seconds
    assert continued(instance, f"Bearer {old}", 0).status == 401


def test_what_a_connection_has_heard_counts(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_OWNER_AUDIO_S_PER_HOUR", "100")
    assert continued(instance, basic(instance.key), 99).status == 200
    refused = continued(instance, basic(instance.key), 50)
    assert refused.status == 429
    assert connecting(instance).status == 429
    answer = Api(instance).recognize()
    assert error_of(answer)[0] == 429
    assert 0 < int(answer.headers["retry-after"]) <= 7200


def test_audio_counts_once_it_was_decoded(
    api: Api, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATTUNE_OWNER_AUDIO_S_PER_HOUR", "100")
    function.answer = {"results": RESULTS, "audio_s": 101.5}
    assert api.recognize().status == 200
    (event,) = function.events
    assert event["owner"] == api.instance.owner
    assert api.recognize().status == 429
    assert Api(Instance()).recognize().status == 200


def test_too_much_under_way_is_answered_with_429(api: Api, function: Function) -> None:
    function.answer = {"error": {"code": 429, "message": "Too much of yours."}}
    answer = api.recognize()
    assert error_of(answer) == (429, "Too much of yours.")
    assert int(answer.headers["retry-after"]) > 0
    assert spooled() == []


def test_a_connection_is_told_which_model_serves_it(instance: Instance) -> None:
    answer = connecting(instance, "?x-watson-metadata=customer_id%3Da&smart_formatting=true")
    assert answer.status == 200
    assert ServingModel.from_json(answer.json) == ServingModel("en-US_BroadbandModel.v2026-11-30", None)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?model=nothing", 404),
        ("?max_alternatives=-1", 400),
        ("?acoustic_customization_id=x", 400),
        ("?acoustic_customization_id=00000000-0000-0000-0000-000000000000", 401),
    ],
)
def test_a_connection_is_refused_before_it_is_made(instance: Instance, query: str, status: int) -> None:
    answer = connecting(instance, query)
    assert_error(answer, status, answer.json["error"])


def test_only_a_front_door_can_ask_for_a_connection(instance: Instance) -> None:
    assert connecting(instance, reference="").status == 426
    assert connecting(instance, reference="pending;0;forged").status == 400
    assert connecting(instance, reference=spool.write_header(spool.Spooled("spool/x", 5))).status == 400


@pytest.mark.parametrize(
    ("accept", "content_type", "body"),
    [
        ("text/vtt", "text/vtt; charset=utf-8", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nRain.\n"),
        (
            "application/x-subrip, application/json;q=0.5",
            "application/x-subrip; charset=utf-8",
            "1\n00:00:00,000 --> 00:00:01,000\nRain.\n",
        ),
    ],
)
def test_results_are_subtitles_for_those_who_accept_them(
    api: Api, function: Function, accept: str, content_type: str, body: str
) -> None:
    function.answer = {"results": {"result_index": 0, "results": [result("Rain.")], "warnings": ["ä"]}}
    answer = api.recognize(query="?foo=1", Accept=accept)
    assert (answer.status, answer.headers["content-type"], answer.body.decode()) == (200, content_type, body)
    assert answer.headers["warning"] == '199 attune "Unknown url query arguments: foo.", 199 attune "?"'
    (event,) = function.events
    assert (event["options"]["timestamps"], event["options"]["written"]) == (True, True)
    assert error_of(api.recognize(b"", Accept=accept))[0] == 400
