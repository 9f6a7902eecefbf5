"""Audio of custom acoustic models over HTTP: add, list, get, delete."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

import boto3
import pytest

from chalicelib import settings
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.acoustic.audio_resources import AudioAnalysis
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AudioResource
from tests.api.calling import Instance, Model, assert_done, assert_error
from tests.sagemaker import Platform

ZIP = b"PK\x03\x04 an archive"
WAV = b"RIFF....WAVE and samples"


def row(model: Model, name: str) -> AudioResource:
    return audio_resources.get(model.row, name)


def stored(model: Model, name: str) -> bytes:
    return objects.get(audio_resources.key_of(row(model, name)).key)


def analyse(model: Model, name: str, analysis: AudioAnalysis) -> None:
    audio = row(model, name)
    assert audio_resources.analysis_finished(
        audio.owner, audio.customization_id, audio.audio_id, audio.upload_id, analysis
    )


def being_processed(name: str) -> dict[str, Any]:
    return {"duration": 0, "name": name, "details": {}, "status": "being_processed", "speech_seconds": 0}


def test_audio_is_taken_in_and_waits_for_its_analysis(model: Model) -> None:
    answer = model.post_audio("a", WAV)
    assert (answer.status, answer.body) == (201, b"{}")
    assert stored(model, "a") == WAV
    assert model("GET", "/audio/a").json == being_processed("a")
    assert model("GET", "/audio").json == {"total_minutes_of_audio": 0, "audio": [being_processed("a")]}
    assert model.status == "pending"


def test_added_audio_wakes_its_analysis(model: Model) -> None:
    model.post_audio("a", WAV)
    queue = boto3.client("sqs")
    url = queue.get_queue_url(QueueName=settings.current().audio_queue)["QueueUrl"]
    key = audio_resources.key_of(row(model, "a")).key
    woken = []
    while messages := queue.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            queue.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            for record in json.loads(message["Body"]).get("Records", []):
                woken.append(unquote_plus(record["s3"]["object"]["key"]))
    assert key in woken


def test_analysed_audio_is_shown_with_what_was_found(model: Model) -> None:
    model.post_audio("a", WAV)
    model.post_audio("b", WAV)
    analyse(
        model,
        "a",
        AudioAnalysis(
            valid=True,
            details_type="audio",
            codec="pcm_s16le",
            frequency_hz=22_050,
            channels=2,
            duration_s=131.4,
            speech_s=99.96,
        ),
    )
    analyse(
        model,
        "b",
        AudioAnalysis(valid=False, details_type="undetermined", error="This is no audio. Send a WAV."),
    )
    good = {
        "duration": 131,
        "name": "a",
        "details": {"type": "audio", "codec": "pcm_s16le", "frequency": 22_050, "channels": 2},
        "status": "ok",
        "speech_seconds": 100.0,
    }
    bad = {
        "duration": 0,
        "name": "b",
        "details": {"type": "undetermined"},
        "status": "invalid",
        "speech_seconds": 0,
        "error": "This is no audio. Send a WAV.",
    }
    assert model("GET", "/audio/a").json == good
    assert model("GET", "/audio/b").json == bad
    assert model("GET", "/audio").json == {"total_minutes_of_audio": 2.19, "audio": [good, bad]}
    assert model.status == "ready"


def test_what_is_no_audio_in_an_archive_is_said(model: Model) -> None:
    sent = {"Content_Type": "application/zip"}
    assert model.post_audio("pack", ZIP, **sent).status == 201
    listing = audio_resources.ArchiveListing([], [f"{letter}.txt" for letter in "abcdefg"], 130)
    objects.put(audio_resources.key_of(row(model, "pack")).listing_key, listing.to_json())
    shown = model("GET", "/audio/pack").json["container"]
    assert shown["warning"] == (
        "Left out, as they are no audio: 'a.txt', 'b.txt', 'c.txt', 'd.txt', 'e.txt' and 125 more."
    )


def test_an_archive_is_one_resource_with_members(model: Model) -> None:
    sent = {"Content_Type": "application/zip", "Contained_Content_Type": "audio/l16;rate=16000"}
    assert model.post_audio("pack", ZIP, **sent).status == 201
    waiting = {"container": being_processed("pack"), "audio": []}
    assert model("GET", "/audio/pack").json == waiting
    assert row(model, "pack").contained_content_type == "audio/l16;rate=16000"
    members = [
        {
            "name": "rooms/one.wav",
            "status": "ok",
            "duration_s": 556.2,
            "speech_s": 400.04,
            "details_type": "audio",
            "codec": "flac",
            "frequency_hz": 16_000,
            "channels": 6,
        },
        {"name": "README", "status": "invalid", "details_type": "undetermined", "error": "No audio."},
    ]
    listing = audio_resources.key_of(row(model, "pack")).listing_key
    objects.put(listing, json.dumps({"members": members}).encode())
    analyse(
        model,
        "pack",
        AudioAnalysis(
            valid=False,
            details_type="archive",
            compression="zip",
            duration_s=556.2,
            speech_s=400.04,
            error="1 of 2 members is no audio.",
        ),
    )
    container = {
        "duration": 556,
        "name": "pack",
        "details": {"type": "archive", "compression": "zip"},
        "status": "invalid",
        "speech_seconds": 400.0,
        "error": "1 of 2 members is no audio.",
    }
    assert model("GET", "/audio/pack").json == {
        "container": container,
        "audio": [
            {
                "duration": 556,
                "name": "rooms/one.wav",
                "details": {"type": "audio", "codec": "flac", "frequency": 16_000, "channels": 6},
                "status": "ok",
                "speech_seconds": 400.0,
            },
            {
                "duration": 0,
                "name": "README",
                "details": {"type": "undetermined"},
                "status": "invalid",
                "speech_seconds": 0.0,
                "error": "No audio.",
            },
        ],
    }
    assert model("GET", "/audio").json["audio"] == [container]


def test_the_same_name_needs_leave_to_overwrite(model: Model) -> None:
    model.add("a")
    model.post_audio("b")
    message = "Audio 'a' already exists. If you want to overwrite it, please set the flag 'allow_overwrite' to 'true'"
    before = row(model, "a").upload_id
    for query in ("", "?allow_overwrite=false", "?allow_overwrite="):
        assert_error(model.post_audio("a", b"other", query=query), 400, message)
    assert (row(model, "a").upload_id, stored(model, "a")) == (before, b"RIFF")
    assert model.post_audio("a", b"other", query="?allow_overwrite=true").status == 201
    assert stored(model, "a") == b"other"
    assert model("GET", "/audio/a").json == being_processed("a")
    assert len(list(objects.keys(f"audio/{model.instance.owner}/{model.customization_id}/"))) == 2


def test_leave_to_overwrite_does_not_matter_for_a_new_name(model: Model) -> None:
    assert model.post_audio("a", query="?allow_overwrite=true").status == 201


def test_overwrite_is_true_or_false(model: Model) -> None:
    message = "Invalid value 'maybe' for parameter 'allow_overwrite': it must be 'true' or 'false'."
    assert_error(model.post_audio("a", query="?allow_overwrite=maybe"), 400, message)


@pytest.mark.parametrize("query", ["", "?allow_overwrite=true"])
def test_a_name_that_is_analysed_is_locked(model: Model, query: str) -> None:
    model.post_audio("a")
    message = "Audio 'a' is currently locked to process your last request."
    assert_error(model.post_audio("a", query=query), 409, message)
    assert model.post_audio("b").status == 201


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("aud%20io%2F1", "aud io/1"),
        ("K%C3%BCche", "Küche"),
        ("%F0%9F%94%8A", "🔊"),
        ("a%25b%3Fc%23d", "a%b?c#d"),
        ("100%25", "100%"),
        ("a+b", "a+b"),
        ("n" * 128, "n" * 128),
        ("%C3%BC" * 128, "ü" * 128),
    ],
)
def test_names_are_decoded_once(model: Model, sent: str, name: str) -> None:
    assert model.post_audio(sent, WAV).status == 201
    assert model("GET", f"/audio/{sent}").json["name"] == name
    assert [one["name"] for one in model("GET", "/audio").json["audio"]] == [name]
    assert_done(model("DELETE", f"/audio/{sent}"))
    assert model("GET", "/audio").json["audio"] == []


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ("n" * 129, f"Invalid value for audio name '{'n' * 129}': it has more than 128 characters"),
        ("%20", "Invalid value for audio name ' ': it is empty"),
        ("%FF", "The path of the request is not percent-encoded UTF-8."),
    ],
)
def test_names_are_refused(model: Model, sent: str, message: str) -> None:
    assert_error(model.post_audio(sent), 400, message)
    assert model("GET", "/audio").json["audio"] == []


@pytest.mark.parametrize(
    ("content_type", "kind", "kept"),
    [
        ("audio/wav", "audio", "audio/wav"),
        ("Audio/X-WAV", "audio", "audio/wav"),
        ("audio/mp3", "audio", "audio/mpeg"),
        ("audio/l16; rate=16000; channels=2; endianness=big-endian", "audio", None),
        ("audio/ogg;codecs=opus", "audio", None),
        ("application/zip", "archive", "application/zip"),
        ("application/gzip", "archive", "application/gzip"),
    ],
)
def test_content_types_decide_the_kind_at_once(
    model: Model, content_type: str, kind: str, kept: str | None
) -> None:
    assert model.post_audio("a", WAV, Content_Type=content_type).status == 201
    shown = model("GET", "/audio/a").json
    assert ("container" in shown) == (kind == "archive")
    if kept is not None:
        assert row(model, "a").content_type == kept


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize(
    ("body", "kind"),
    [(WAV, "audio"), (b"fLaC....", "audio"), (ZIP, "archive"), (b"\x1f\x8b\x08..", "archive")],
)
def test_types_that_say_nothing_are_sniffed(model: Model, content_type: str, body: bytes, kind: str) -> None:
    assert model.post_audio("a", body, Content_Type=content_type).status == 201
    assert row(model, "a").kind == kind


@pytest.mark.parametrize(
    ("content_type", "code", "words"),
    [
        ("text/plain", 415, "Unsupported mimetype 'text/plain'."),
        ("application/octet-stream", 415, "Unsupported mimetype 'application/octet-stream'."),
        ("application/json", 415, "Unsupported mimetype 'application/json'."),
        ("nonsense", 415, "Unsupported mimetype 'nonsense'."),
        ("audio/l16", 400, "rate parameter missing in mimetype audio/l16"),
        ("audio/mulaw", 400, "rate parameter missing in mimetype audio/mulaw"),
        ("audio/l16;rate=0", 400, "Invalid rate '0' in mimetype audio/l16"),
        ("audio/l16;rate=16000;channels=17", 400, "Invalid channels '17' in mimetype audio/l16"),
    ],
)
def test_content_types_are_refused(model: Model, content_type: str, code: int, words: str) -> None:
    answer = model.post_audio("a", b"no format of ours", Content_Type=content_type)
    assert_error(answer, code, answer.json["error"])
    assert answer.json["error"].startswith(words)
    assert model("GET", "/audio").json["audio"] == []


@pytest.mark.parametrize(
    ("contained", "code", "words"),
    [
        ("audio/l16", 400, "rate parameter missing in mimetype audio/l16"),
        ("application/zip", 415, "Unsupported mimetype 'application/zip'."),
        ("text/plain", 415, "Unsupported mimetype 'text/plain'."),
    ],
)
def test_contained_content_types_are_checked(model: Model, contained: str, code: int, words: str) -> None:
    sent = {"Content_Type": "application/zip", "Contained_Content_Type": contained}
    answer = model.post_audio("a", ZIP, **sent)
    assert answer.status == code
    assert answer.json["error"].startswith(words)


def test_a_contained_content_type_is_ignored_beside_single_audio(model: Model) -> None:
    assert model.post_audio("a", WAV, Contained_Content_Type="text/plain").status == 201
    assert row(model, "a").contained_content_type is None


def test_an_empty_body_is_refused(model: Model) -> None:
    for content_type in ("audio/wav", "application/zip", ""):
        answer = model.post_audio("a", b"", Content_Type=content_type)
        assert_error(answer, 400, "Audio file not specified or empty")
    assert model("GET", "/audio").json["audio"] == []


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_name_is_an_invalid_value(model: Model, method: str) -> None:
    model.add("a")
    assert_error(model(method, "/audio/b"), 400, "Invalid value for audio name 'b'")


def test_deleted_audio_is_gone_and_the_status_follows(model: Model) -> None:
    model.add("a")
    model.add("b", valid=False)
    assert model.status == "ready"
    assert_done(model("DELETE", "/audio/b"))
    assert model.status == "ready"
    assert_done(model("DELETE", "/audio/a"))
    assert model.status == "pending"
    assert model("GET", "/audio").json == {"total_minutes_of_audio": 0, "audio": []}
    assert list(objects.keys(f"audio/{model.instance.owner}/")) == []


def test_audio_may_go_while_it_is_analysed(model: Model) -> None:
    model.add("a")
    model.post_audio("b")
    assert model.status == "pending"
    assert_done(model("DELETE", "/audio/b"))
    assert model.status == "ready"


def test_nothing_is_added_or_removed_during_a_training(model: Model, platform: Platform) -> None:
    model.add("a")
    assert_done(model("POST", "/train"))
    locked = f"Customization '{model.customization_id}' is currently locked to process your last request."
    assert_error(model.post_audio("b"), 409, locked)
    assert_error(model.post_audio("a", query="?allow_overwrite=true"), 409, locked)
    assert_error(model("DELETE", "/audio/a"), 409, locked)
    assert [one["name"] for one in model("GET", "/audio").json["audio"]] == ["a"]


def test_unknown_query_parameters_are_warned_about(model: Model) -> None:
    model.add("a")
    model.post_audio("pack", ZIP, Content_Type="application/zip")
    sentence = "Unexpected query parameter(s) ['verbose'] detected"
    for path in ("/audio", "/audio/a", "/audio/pack"):
        assert model("GET", f"{path}?verbose=1").json["warnings"] == sentence
        assert "warnings" not in model("GET", path).json


def test_the_same_name_in_two_models_is_two_resources(instance: Instance) -> None:
    one, other = instance.model(), instance.model()
    one.post_audio("a", b"RIFF one")
    other.post_audio("a", b"RIFF other")
    assert_done(one("DELETE", "/audio/a"))
    assert stored(other, "a") == b"RIFF other"


@pytest.mark.parametrize("label", ["customer_id=abc", " customer_id=a b ;"])
def test_audio_is_labelled_with_its_customer(model: Model, label: str) -> None:
    assert model.post_audio("a", X_Watson_Metadata=label).status == 201
    assert row(model, "a").customer_id == label.strip(" ;").removeprefix("customer_id=")


@pytest.mark.parametrize("label", ["abc", "customer_id=", "customer_id=a=b", "customer_id=" + "x" * 1025])
def test_labels_are_refused(model: Model, label: str) -> None:
    answer = model.post_audio("a", X_Watson_Metadata=label)
    message = "The header X-Watson-Metadata must be customer_id={id}, without ';' and '=' in the id."
    assert_error(answer, 400, message)
    assert model("GET", "/audio").json["audio"] == []


def test_an_upload_that_cannot_be_stored_leaves_what_was_there(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.add("a")
    before = model("GET", "/audio/a").json
    monkeypatch.setenv("ATTUNE_BUCKET", "no-such-bucket")
    settings.current.cache_clear()
    fresh = model.post_audio("b")
    replaced = model.post_audio("a", query="?allow_overwrite=true")
    monkeypatch.undo()
    settings.current.cache_clear()
    assert (fresh.status, replaced.status) == (500, 500)
    assert "no-such-bucket" not in fresh.json["error"]
    assert model("GET", "/audio/a").json == before
    assert [one["name"] for one in model("GET", "/audio").json["audio"]] == ["a"]
    assert model.status == "ready"


def test_names_never_reach_the_bucket(model: Model) -> None:
    model.post_audio("..%2F..%2Fsecret")
    (key,) = objects.keys(f"audio/{model.instance.owner}/")
    assert layout.AudioKey.parse(key).resource_id == layout.resource_id("../../secret")
    assert "secret" not in key
