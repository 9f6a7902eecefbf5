from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib.customization import acoustic_models
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.acoustic.audio_resources import Accepted
from chalicelib.events import audio_uploaded
from chalicelib.storage import objects, queues
from chalicelib.storage.layout import AudioKey, UploadKey
from chalicelib.storage.tables import AcousticModel
from tests import custom_models
from tests.audio.archives.packing import zipped
from tests.audio.signals import noisy_wav
from tests.events import recorded
from tests.sagemaker import Platform

LATE = timedelta(minutes=5)


WAV = noisy_wav(2.0)


def _event(upload: Accepted | UploadKey, name: str = "audio_uploaded", **options: Any) -> dict[str, Any]:
    return recorded.load(name, audio=upload if isinstance(upload, UploadKey) else upload.key, **options)


def _handled(event: dict[str, Any]) -> list[str]:
    return recorded.failed(audio_uploaded.handle(event, None))


def _resource(model: AcousticModel, audio_name: str) -> Any:
    return audio_resources.get(custom_models.fresh(model), audio_name)


def test_audio_is_analysed() -> None:
    model = custom_models.new()
    upload = custom_models.upload(model, "one", WAV)
    assert _handled(_event(upload)) == []
    said = queues.client().receive_message(QueueUrl=queues.url_of("attune-callback-due"))["Messages"]
    assert [json.loads(message["Body"])["end"] for message in said] == [
        f"{model.customization_id}/validated/{upload.row.upload_id}/events"
    ]
    audio = _resource(model, "one")
    assert (audio.status, audio.details_type, audio.codec) == ("ok", "audio", "pcm_s16le")
    assert (audio.frequency_hz, audio.channels, audio.duration_s) == (16_000, 1, 2.0)
    assert custom_models.fresh(model).status == "ready"


def test_an_archive_is_analysed_with_its_members() -> None:
    model = custom_models.new()
    data = zipped({"first.wav": WAV, "second.wav": noisy_wav(1.0)})
    upload = custom_models.upload(model, "calls", data, kind="archive", content_type="application/zip")
    assert _handled(_event(upload, "audio_uploaded_multipart")) == []
    audio = _resource(model, "calls")
    assert (audio.status, audio.details_type, audio.compression) == ("ok", "archive", "zip")
    assert audio.duration_s == 3.0
    members = audio_resources.listing(audio).members
    assert [(member["name"], member["status"], member["duration_s"]) for member in members] == [
        ("first.wav", "ok", 2.0),
        ("second.wav", "ok", 1.0),
    ]


def test_what_is_no_audio_is_left_out_of_an_archive_and_named() -> None:
    model = custom_models.new()
    notes = {f"notes {number}.txt": b"words" for number in range(7)}
    data = zipped({"first.wav": WAV, **notes, "list.csv": b"first;Ann\n"})
    upload = custom_models.upload(model, "calls", data, kind="archive", content_type="application/zip")
    assert _handled(_event(upload)) == []
    assert _resource(model, "calls").status == "ok"
    listing = audio_resources.listing(_resource(model, "calls"))
    assert [member["name"] for member in listing.members] == ["first.wav"]
    assert tuple(listing.left_out) == (*notes, "list.csv")


def test_an_archive_of_documents_holds_no_audio() -> None:
    model = custom_models.new()
    upload = custom_models.upload(
        model, "texts", zipped({"a.txt": b"words"}), kind="archive", content_type="application/zip"
    )
    assert _handled(_event(upload)) == []
    assert "holds no audio" in _resource(model, "texts").error


@pytest.mark.parametrize(
    ("data", "content_type", "way_out"),
    [(b"no audio at all", "audio/wav", ""), (noisy_wav(1.0, rate_hz=8000), "audio/wav", "narrowband")],
)
def test_bad_audio_is_invalid_with_a_reason(data: bytes, content_type: str, way_out: str) -> None:
    model = custom_models.new()
    upload = custom_models.upload(model, "bad", data, content_type=content_type)
    assert _handled(_event(upload)) == []
    audio = _resource(model, "bad")
    assert audio.status == "invalid"
    assert way_out in audio.error
    assert len(audio.error) > 20
    assert custom_models.fresh(model).status == "pending"


def test_names_and_keys_are_decoded() -> None:
    model = custom_models.new()
    upload = custom_models.upload(model, "a b+c/ü%20.wav", WAV)
    event = json.loads(json.dumps(_event(upload)).replace("audio/6b1f", "audio%2F6b1f"))
    assert _handled(event) == []
    assert _resource(model, "a b+c/ü%20.wav").status == "ok"


@pytest.mark.parametrize("name", ["s3_test_event"])
def test_test_events_are_tolerated(name: str) -> None:
    assert _handled(recorded.load(name)) == []


def test_an_object_that_is_no_upload_is_left_alone() -> None:
    objects.put("audio/readme.txt", b"put here by hand")
    event = json.loads(
        json.dumps(recorded.load("audio_uploaded")).replace(recorded.AUDIO.key, "audio/readme.txt")
    )
    assert _handled(event) == []
    assert objects.exists("audio/readme.txt")


def test_a_repetition_changes_nothing() -> None:
    model = custom_models.new()
    upload = custom_models.upload(model, "one", WAV)
    event = _event(upload)
    assert _handled(event) == []
    row, analysed = custom_models.fresh(model).attribute_values, _resource(model, "one").attribute_values
    assert _handled(event) == _handled(recorded.again(event)) == []
    assert custom_models.fresh(model).attribute_values == row
    assert _resource(model, "one").attribute_values == analysed


def test_an_event_before_the_row_comes_again() -> None:
    model = custom_models.new()
    key = AudioKey(model.owner, model.customization_id, "0" * 32, "1" * 32)
    objects.put(key.key, WAV)
    event = _event(key)
    assert _handled(event) == [event["Records"][0]["messageId"]]
    assert objects.exists(key.key)
    assert _handled(_event(key, at=datetime.now(UTC) - LATE)) == []
    assert not objects.exists(key.key), "nobody is going to write that row any more"


def test_the_object_of_a_removed_resource_goes() -> None:
    model = custom_models.new()
    upload = custom_models.upload(model, "one", WAV)
    audio_resources.remove(custom_models.fresh(model), "one")
    objects.put(upload.key.key, WAV)
    assert _handled(_event(upload, at=datetime.now(UTC) - LATE)) == []
    assert not objects.exists(upload.key.key)


def test_the_object_of_a_deleted_model_goes() -> None:
    model = custom_models.new()
    upload = custom_models.add_audio(model, "one")
    acoustic_models.delete(model.owner, model.customization_id)
    objects.put(upload.key.key, WAV)
    assert _handled(_event(upload)) == []
    assert not objects.exists(upload.key.key)


def test_an_overwritten_upload_is_stale() -> None:
    model = custom_models.new()
    first = custom_models.add_audio(model, "one")
    second = custom_models.upload(model, "one", WAV, allow_overwrite=True)
    objects.put(first.key.key, b"comes late")
    assert _handled(_event(first)) == []
    assert not objects.exists(first.key.key)
    assert _resource(model, "one").status == "being_processed"
    assert _handled(_event(second)) == []
    assert _resource(model, "one").duration_s == 2.0


def test_what_is_being_replaced_stays_until_its_replacement_is_there() -> None:
    model = custom_models.new()
    first = custom_models.add_audio(model, "one")
    second = custom_models.upload(model, "one", None, allow_overwrite=True)
    assert _handled(_event(first)) == []
    assert objects.exists(first.key.key)
    audio_resources.withdraw(second)
    assert _resource(model, "one").status == "ok"


def test_a_missing_object_comes_again_and_is_given_up_at_last() -> None:
    model = custom_models.new()
    upload = custom_models.upload(model, "one", None)
    for receives in range(1, 5):
        assert len(_handled(_event(upload, receives=receives))) == 1
        assert _resource(model, "one").status == "being_processed"
    assert _handled(_event(upload, receives=5)) == []
    audio = _resource(model, "one")
    assert (audio.status, audio.error) == ("invalid", audio_uploaded.GIVEN_UP)
    assert not custom_models.fresh(model).analysing


def test_one_failure_does_not_hold_up_the_others() -> None:
    model = custom_models.new()
    missing, present = (
        custom_models.upload(model, "missing", None),
        custom_models.upload(model, "present", WAV),
    )
    assert _handled(recorded.together(_event(missing), _event(present))) == ["message-0"]
    assert _resource(model, "present").status == "ok"
    assert custom_models.fresh(model).analysing == {missing.row.upload_id}


def test_enough_new_audio_starts_one_training(platform: Platform) -> None:
    model = custom_models.new(retrain_after_minutes=10)
    custom_models.add_audio(model, "plenty", duration_s=900)
    upload = custom_models.upload(model, "last", WAV)
    event = _event(upload)
    assert _handled(event) == _handled(recorded.again(event)) == []
    assert custom_models.fresh(model).status == "training"
    assert len(platform.created) == 1


def test_a_training_that_an_interrupted_call_owes_is_started(platform: Platform) -> None:
    model = custom_models.new(retrain_after_minutes=10)
    upload = custom_models.add_audio(model, "one", duration_s=900)  # recorded, then the function died
    assert _handled(_event(upload)) == []
    assert (custom_models.fresh(model).status, len(platform.created)) == ("training", 1)


def test_audio_does_not_train_models_that_did_not_ask(platform: Platform) -> None:
    model = custom_models.new()
    custom_models.add_audio(model, "plenty", duration_s=900)
    assert _handled(_event(custom_models.upload(model, "last", WAV))) == []
    assert custom_models.fresh(model).status == "ready"
    assert platform.created == []


@given(order=st.permutations(["first", "second", "first again", "second again", "other"]))
@hypothesis_settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_order_of_announcements_comes_to_the_same_end(order: list[str]) -> None:
    model = custom_models.new()
    first = custom_models.add_audio(model, "one", duration_s=1.0)
    second = custom_models.upload(model, "one", WAV, allow_overwrite=True)
    other = custom_models.upload(model, "other", b"broken")
    events = {
        "first": _event(first),
        "second": _event(second),
        "other": _event(other),
    }
    events |= {f"{name} again": recorded.again(events[name]) for name in ("first", "second")}
    for name in order:
        assert _handled(events[name]) == []
    assert (_resource(model, "one").status, _resource(model, "one").duration_s) == ("ok", 2.0)
    assert _resource(model, "other").status == "invalid"
    row = custom_models.fresh(model)
    assert row.status == "ready"
    assert not row.analysing
    assert not objects.exists(first.key.key)
