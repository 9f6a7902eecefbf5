"""`POST /v1/recognize` with a multipart form: what the API reads of it, and what it hands over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.recognition.request.options import Options
from chalicelib.storage import objects, spool
from tests.api.calling import Instance
from tests.api.test_recognition import WAV, Api, error_of, spooled
from tests.recognition.request.test_forms import BOUNDARY, form
from tests.recognition.results.test_cues import result
from tests.recognition_function import RESULTS, Function

TYPE = f"multipart/form-data; boundary={BOUNDARY}"


@pytest.fixture
def api(instance: Instance) -> Api:
    return Api(instance)


@pytest.fixture
def send_form(api: Api) -> Callable[..., Any]:
    def send(metadata: object, *audio: bytes, query: str = "", **headers: str) -> Any:
        first = metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode()
        body = form(("metadata", "application/json", first), *(("upload", None, data) for data in audio))
        return api.recognize(body, query, Content_Type=TYPE, **headers)

    return send


def test_metadata_says_how_and_the_query_with_which_model(
    send_form: Callable[..., Any], function: Function
) -> None:
    metadata = {
        "part_content_type": "audio/wav",
        "data_parts_count": 2,
        "keywords": ["heavy rain"],
        "keywords_threshold": 0.5,
        "continuous": True,
    }
    answer = send_form(metadata, WAV, WAV, query="?model=en-US_NarrowbandModel&timestamps=true")
    assert answer.json == {
        "result_index": 0,
        "warnings": ["Unknown url query arguments: timestamps.", "Unknown arguments: continuous."],
        "results": RESULTS["results"],
    }
    (event,) = function.events
    assert event["audio"]["content_type"] == "audio/wav"
    assert event["audio"]["form"] == {"boundary": BOUNDARY, "parts": 2}
    assert event["base_version"] == "en-US_NarrowbandModel.v2026-11-30"
    assert Options.from_json(event["options"]) == Options(
        model="en-US_NarrowbandModel", keywords=("heavy rain",), keywords_threshold=0.5
    )
    assert spooled() == []


def test_a_form_that_the_front_door_has_stored(api: Api, function: Function) -> None:
    body = form(("metadata", None, b'{"timestamps": true}'), ("upload", "audio/wav", WAV))
    key = spool.new_key()
    objects.put(key, body)
    header = spool.write_header(spool.Spooled(key, len(body)))
    assert api.recognize(b"", Content_Type=TYPE, X_Attune_Body=header).json == RESULTS
    assert Options.from_json(function.events[0]["options"]).timestamps
    assert function.heard == [body]
    pending = spool.write_header(spool.Spooled(spool.PENDING, 50_000_000))
    assert api.recognize(b"", Content_Type=TYPE, X_Attune_Body=pending).status == 204
    unknown = api.recognize(b"", "?model=nothing", Content_Type=TYPE, X_Attune_Body=pending)
    assert unknown.status == 404


@pytest.mark.parametrize(
    ("metadata", "status", "message"),
    [
        (b"{", 400, "is not valid JSON"),
        ({"max_alternatives": "many"}, 400, "for parameter 'max_alternatives': it must be a whole number"),
        ({"keywords": ["a"]}, 400, "keywords_threshold must be set if keywords list is not empty"),
        ({"part_content_type": "video/x-msvideo"}, 415, "Unsupported mimetype 'video/x-msvideo'"),
        ({"part_content_type": 3}, 400, "for parameter 'part_content_type': it must be a string"),
        (
            {"data_parts_count": 0},
            400,
            "for parameter 'data_parts_count': it must be a number from 1 to 1000",
        ),
    ],
)
def test_bad_metadata(
    send_form: Callable[..., Any], function: Function, metadata: object, status: int, message: str
) -> None:
    answered, error = error_of(send_form(metadata, WAV))
    assert answered == status
    assert message in error
    assert function.events == []


def test_subtitles_are_of_one_recording(send_form: Callable[..., Any], function: Function) -> None:
    function.answer = {"results": {"result_index": 0, "results": [result("Rain.")]}}
    answer = send_form({}, WAV, Accept="text/vtt")
    assert answer.body.startswith(b"WEBVTT")
    assert function.events[-1]["audio"]["form"]["parts"] == 1
    refused = send_form({"data_parts_count": 2}, WAV, WAV, Accept="text/vtt")
    assert error_of(refused)[1].startswith("Subtitles are of one recording: send one file")
