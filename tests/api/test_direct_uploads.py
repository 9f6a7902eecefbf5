"""`/v1/uploads`: announced, sent to a URL that takes these bytes alone, and named in place of a body."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from chalicelib.customization.acoustic import audio_resources
from chalicelib.direct_uploads import uploads
from chalicelib.jobs import recognition_jobs
from chalicelib.storage import objects, spool
from chalicelib.storage.layout import JobKey
from chalicelib.storage.spool import Spooled
from chalicelib.storage.tables import DirectUpload
from tests.api.calling import Answer, Instance, Model, assert_error, send
from tests.recognition_function import Function

WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)
MIB = 1024**2


def announced(instance: Instance, content: bytes = WAV, **fields: Any) -> Any:
    """Announce bytes; returns the answer's document."""
    answer = instance("POST", "/uploads", _fields(content) | fields)
    assert answer.status == 201, answer.body
    return answer.json


def _fields(content: bytes) -> dict[str, Any]:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def put(made: Any, content: bytes = WAV, changed: dict[str, str] | None = None) -> Answer:
    """Send bytes to the URL of an upload, as this service answers it on one machine."""
    url = urlsplit(made["url"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()} | (changed or {})
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return send("PUT", url.path, content, headers=made["headers"], query=text)


def sent(instance: Instance, content: bytes = WAV, **fields: Any) -> str:
    """Announce bytes and send them; returns the upload's id."""
    made = announced(instance, content, **fields)
    assert put(made, content).status == 200
    return str(made["upload_id"])


def recognize(instance: Instance, upload_id: str, headers: dict[str, str] | None = None) -> Answer:
    return instance("POST", f"/recognize?upload={upload_id}", headers=headers)


def test_what_is_announced_is_answered_with_where_to_send_it(instance: Instance) -> None:
    made = announced(instance, content_type="audio/wav", purpose="audio")
    url = urlsplit(made["url"])
    assert (made["method"], url.path) == ("PUT", f"/uploads/{made['upload_id']}")
    assert made["headers"].keys() == {"If-None-Match", "x-amz-checksum-sha256"}
    assert made["created"] < made["url_expires"] < made["expires"]
    shown = instance("GET", f"/uploads/{made['upload_id']}").json
    assert shown == {name: made[name] for name in shown}
    assert (shown["status"], shown["bytes"], shown["purpose"]) == ("waiting", len(WAV), "audio")
    assert put(made).json == {}
    assert instance("GET", f"/uploads/{made['upload_id']}").json["status"] == "complete"
    (listed,) = instance("GET", "/uploads").json["uploads"]
    assert listed["upload_id"] == made["upload_id"]


def test_the_store_is_told_every_condition(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATTUNE_UPLOADS_TO_STORE", "true")
    made = announced(instance)
    url = urlsplit(made["url"])
    assert url.path.endswith(f"/uploads/{instance.owner}/{made['upload_id']}")
    signed = parse_qs(url.query)
    assert signed["X-Amz-SignedHeaders"] == ["content-length;host;if-none-match;x-amz-checksum-sha256"]
    assert signed["X-Amz-Expires"] == ["3600"]
    assert requests.put(made["url"], data=WAV, headers=made["headers"], timeout=60).status_code == 200
    twice = requests.put(made["url"], data=WAV, headers=made["headers"], timeout=60)
    assert twice.status_code == 412
    assert instance("GET", f"/uploads/{made['upload_id']}").json["status"] == "complete"


def test_an_upload_becomes_audio_as_often_as_one_likes(instance: Instance, model: Model) -> None:
    upload_id = sent(instance, content_type="audio/wav")
    for name in ("one", "two"):
        answer = model("POST", f"/audio/{name}?upload={upload_id}", headers={"Content-Type": ""})
        assert (answer.status, answer.json) == (201, {})
        audio = audio_resources.get(model.row, name)
        assert objects.get(audio_resources.key_of(audio).key) == WAV
        assert (audio.size_bytes, audio.content_type) == (len(WAV), "audio/wav")


def test_its_type_is_the_uploads_own_whatever_the_request_has(instance: Instance, model: Model) -> None:
    archive = b"PK\x03\x04" + bytes(1000)
    upload_id = sent(instance, archive)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Contained-Content-Type": "audio/wav"}
    assert model("POST", f"/audio/a?upload={upload_id}", headers=headers).status == 201
    audio = audio_resources.get(model.row, "a")
    assert (audio.kind, audio.contained_content_type) == ("archive", "audio/wav")


def test_an_upload_is_recognised(instance: Instance, function: Function) -> None:
    upload_id = sent(instance, content_type="audio/wav")
    for _ in range(2):
        answer = recognize(instance, upload_id, {"Content-Type": "multipart/form-data; boundary=x"})
        assert answer.status == 200
        assert "warnings" not in answer.json
        event = function.events[-1]
        assert event["audio"]["content_type"] == "audio/wav"
        assert function.heard[-1] == WAV
        assert not objects.exists(event["audio"]["key"]), "the copy goes, and the upload stays"


def test_an_upload_becomes_a_job(instance: Instance) -> None:
    upload_id = sent(instance, content_type="audio/l16;rate=16000", purpose="job")
    made = instance("POST", f"/recognitions?upload={upload_id}", headers={"Content-Type": "text/plain"})
    assert made.status == 201
    assert "warnings" not in made.json
    job = recognition_jobs.get(instance.owner, made.json["id"])
    assert json.loads(job.request)["audio"]["content_type"] == "audio/l16;rate=16000"
    assert objects.get(JobKey(instance.owner, job.job_id).audio_key) == WAV


def test_a_label_goes_on_to_what_is_made_of_it(instance: Instance, model: Model) -> None:
    labelled = {"X-Watson-Metadata": "customer_id=somebody", "Content-Type": "application/json"}
    made = instance("POST", "/uploads", _fields(WAV), headers=labelled).json
    put(made)
    model("POST", f"/audio/a?upload={made['upload_id']}")
    assert audio_resources.get(model.row, "a").customer_id == "somebody"
    assert instance("DELETE", "/user_data?customer_id=somebody").status == 200
    assert instance("GET", f"/uploads/{made['upload_id']}").status == 404
    assert not objects.exists(f"uploads/{instance.owner}/{made['upload_id']}")
    assert put(made).status == 404, "its URL takes nothing any more"


def test_removing_an_upload_leaves_what_was_made_of_it(instance: Instance, model: Model) -> None:
    upload_id = sent(instance)
    assert model("POST", f"/audio/a?upload={upload_id}").status == 201
    assert instance("DELETE", f"/uploads/{upload_id}").status == 204
    assert instance("DELETE", f"/uploads/{upload_id}").status == 404
    assert not objects.exists(f"uploads/{instance.owner}/{upload_id}")
    assert objects.exists(audio_resources.key_of(audio_resources.get(model.row, "a")).key)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Required parameter 'bytes' is missing"),
        ({"bytes": 5}, "Required parameter 'sha256' is missing"),
        ({"bytes": 0}, "from 1 to 1073741824"),
        ({"bytes": 1024 * MIB + 1}, "from 1 to 1073741824"),
        (
            {"bytes": 100 * MIB + 1, "purpose": "audio"},
            "from 1 to 104857600, the most for the purpose 'audio'",
        ),
        ({"bytes": 100 * MIB + 1, "purpose": "recognition"}, "from 1 to 104857600"),
        ({"bytes": 1.5}, "whole number of bytes"),
        ({"bytes": True}, "whole number of bytes"),
        ({"bytes": "5"}, "whole number of bytes"),
        ({"bytes": 5, "sha256": "ab"}, "64 hexadecimal digits. 'sha256sum FILE' prints it"),
        ({"bytes": 5, "sha256": 7}, "must be a string"),
        (
            {"bytes": 5, "sha256": "0" * 64, "purpose": "music"},
            "one of audio, recognition, job, or be left out",
        ),
        ({"bytes": 5, "sha256": "0" * 64, "content_type": 7}, "must be a string"),
    ],
)
def test_what_makes_no_sense_is_refused(instance: Instance, fields: dict[str, Any], said: str) -> None:
    answer = instance("POST", "/uploads", fields)
    assert answer.status == 400
    assert said in answer.json["error"]
    assert instance("GET", "/uploads").json == {"uploads": []}


@pytest.mark.parametrize("purpose", ["audio", "recognition", "job"])
def test_a_type_that_would_be_refused_is_refused_at_once(instance: Instance, purpose: str) -> None:
    wanted = _fields(WAV) | {"content_type": "text/plain", "purpose": purpose}
    assert instance("POST", "/uploads", wanted).status == 415


def test_unknown_fields_are_told_of(instance: Instance) -> None:
    assert announced(instance, size=7)["warnings"] == "Unexpected field(s) ['size'] detected"


def test_other_bytes_are_refused_and_the_right_ones_taken_then(instance: Instance) -> None:
    made = announced(instance)
    short, other = put(made, WAV[:-1]), put(made, WAV[:-1] + b"x")
    assert_error(
        short,
        400,
        f"This URL takes exactly {len(WAV)} bytes, as was announced, but {len(WAV) - 1} came. Send the whole file "
        "as it was when you announced it, or make another upload with POST /v1/uploads.",
    )
    assert (other.status, "was announced. Send the file again" in other.json["error"]) == (400, True)
    assert instance("GET", f"/uploads/{made['upload_id']}").json["status"] == "waiting"
    assert put(made).status == 200


def test_a_url_is_used_once(instance: Instance) -> None:
    made = announced(instance)
    assert put(made).status == 200
    answer = put(made)
    assert answer.status == 412
    assert f"upload={made['upload_id']}" in answer.json["error"]


def test_a_url_is_good_for_an_hour(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    made = announced(instance)
    now_s = DirectUpload.get(instance.owner, made["upload_id"]).created.timestamp()
    monkeypatch.setattr("chalicelib.direct_uploads.addresses.time.time", lambda: now_s + 3601)
    answer = put(made)
    assert_error(
        answer,
        403,
        "This URL has expired, an hour after it was made. Make another upload with POST /v1/uploads.",
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": "00" * 32},
        {"signature": "no hex"},
        {"signature": ""},
        {"expires": "99999999999"},
        {"expires": ""},
        {"owner": "0f3c5b7a-9d1e-4c2b-8a6f-1e2d3c4b5a69"},
    ],
)
def test_a_url_that_was_not_made_here_takes_nothing(instance: Instance, changed: dict[str, str]) -> None:
    made = announced(instance)
    answer = put(made, changed=changed)
    assert answer.status == 403
    assert "This URL is not signed. Use it as POST /v1/uploads has answered it." in answer.json["error"]


def test_the_signature_of_a_url_opens_no_body_of_the_front_door(instance: Instance, model: Model) -> None:
    query = parse_qs(urlsplit(announced(instance)["url"]).query)
    forged = f"{query['expires'][0]};{instance.owner};x;upload;{query['signature'][0]}"
    answer = model.post_audio("a", X_Attune_Body=forged)
    assert answer.status == 400


def test_a_body_that_the_front_door_has_stored_is_taken(instance: Instance) -> None:
    made = announced(instance)
    url = urlsplit(made["url"])
    for pending, status in ((len(WAV), 204), (0, 204), (len(WAV) + 1, 400)):
        header = spool.write_header(Spooled(spool.PENDING, pending))
        assert send("PUT", url.path, headers={"X-Attune-Body": header}, query=url.query).status == status
    key = spool.new_key()
    objects.put(key, WAV)
    header = spool.write_header(Spooled(key, len(WAV)))
    taken = send("PUT", url.path, headers={"X-Attune-Body": header}, query=url.query)
    assert (taken.status, taken.headers["x-attune-owner"]) == (200, instance.owner)
    assert not objects.exists(key)
    assert objects.get(f"uploads/{instance.owner}/{made['upload_id']}") == WAV


def test_what_has_not_come_yet_is_not_taken(instance: Instance) -> None:
    made = announced(instance)
    assert_error(
        instance("POST", f"/recognitions?upload={made['upload_id']}"),
        409,
        f"Nothing has come for the upload '{made['upload_id']}' yet: send its {len(WAV)} bytes to its URL, then "
        "send this request again.",
    )


def test_what_is_not_as_announced_is_not_taken(instance: Instance) -> None:
    made = announced(instance)
    key = f"uploads/{instance.owner}/{made['upload_id']}"
    objects.put(key, WAV + b"x")
    answer = recognize(instance, made["upload_id"])
    assert (answer.status, "is thrown away" in answer.json["error"]) == (409, True)
    assert not objects.exists(key)


def test_a_checksum_that_the_store_tells_is_compared(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload_id = sent(instance)
    monkeypatch.setattr(objects, "describe", lambda key: objects.Described(len(WAV), "00" * 32))
    assert recognize(instance, upload_id).status == 409


def test_it_is_gone_after_a_day(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    upload_id = sent(instance)
    created_s = DirectUpload.get(instance.owner, upload_id).created.timestamp()
    monkeypatch.setattr(
        "chalicelib.direct_uploads.uploads.time.time", lambda: created_s + uploads.LASTS_S + 1
    )
    answer = recognize(instance, upload_id)
    assert answer.status == 404
    assert "or it has expired. Make one with POST /v1/uploads" in answer.json["error"]
    assert instance("GET", "/uploads").json == {"uploads": []}


def test_another_owners_is_like_none(instance: Instance, model: Model) -> None:
    upload_id = sent(instance)
    other = Instance()
    missing = "0f3c5b7a-9d1e-4c2b-8a6f-1e2d3c4b5a69"
    for method, path in (
        ("POST", "/recognize?upload={}"),
        ("POST", "/recognitions?upload={}"),
        ("GET", "/uploads/{}"),
        ("DELETE", "/uploads/{}"),
    ):
        foreign, unknown = (other(method, path.format(one)) for one in (upload_id, missing))
        assert (foreign.status, unknown.status) == (404, 404)
        assert foreign.json["error"].replace(upload_id, missing) == unknown.json["error"]


def test_a_body_beside_it_is_refused(instance: Instance, model: Model) -> None:
    upload_id = sent(instance)
    answer = model("POST", f"/audio/a?upload={upload_id}", body=WAV, headers={"Content-Type": "audio/wav"})
    assert_error(
        answer,
        400,
        "The request names an upload, and has a body as well: send it without a body, or without the parameter "
        "'upload'.",
    )


def test_a_call_has_its_own_limit_whatever_an_upload_may_have(instance: Instance) -> None:
    made = announced(instance)
    row = DirectUpload.get(instance.owner, made["upload_id"])
    row.update(actions=[DirectUpload.size_bytes.set(100 * MIB + 1)])
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(objects, "describe", lambda key: objects.Described(100 * MIB + 1, None))
        assert recognize(instance, made["upload_id"]).status == 413


def test_one_has_so_many(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "PER_OWNER", 2)
    first = announced(instance)
    announced(instance)
    answer = instance("POST", "/uploads", _fields(WAV))
    assert (answer.status, answer.headers["retry-after"]) == (429, "60")
    assert "2 uploads, the most that one may have at a time. Remove those" in answer.json["error"]
    assert len(instance("GET", "/uploads").json["uploads"]) == 2
    announced(Instance())
    instance("DELETE", f"/uploads/{first['upload_id']}")
    announced(instance)


def test_one_has_so_much(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "BYTES_PER_OWNER", 2 * MIB)
    wanted = _fields(WAV) | {"bytes": MIB + 1}
    assert instance("POST", "/uploads", wanted).status == 201
    answer = instance("POST", "/uploads", wanted)
    assert (answer.status, "more than 2 MB" in answer.json["error"]) == (429, True)
