"""`DELETE /v1/user_data`: afterwards nothing bears the label, wherever it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from botocore.exceptions import EndpointConnectionError

from chalicelib.customization import custom_models
from chalicelib.customization.acoustic import audio_resources
from chalicelib.jobs import recognition_jobs, statuses, work
from chalicelib.recognition.request import backend
from chalicelib.sharing import meter
from chalicelib.sharing.meter import Customization, MeteredWork, Used
from chalicelib.storage import objects, queues, tables
from chalicelib.storage.conditional import write
from chalicelib.storage.connection import Table
from chalicelib.storage.tables import AcousticModel, AudioResource, Erasure, RecognitionJob
from chalicelib.user_data import erasures
from tests.api.calling import Answer, Instance, Model, assert_error
from tests.receiver import Receiver

LABEL = "customer 17/a"
MINE = {"X-Watson-Metadata": f"customer_id={LABEL}"}
OTHERS = {"X-Watson-Metadata": "customer_id=another"}
WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)


@pytest.fixture(autouse=True)
def _queues(account: None) -> Iterator[None]:
    queues.client.cache_clear()
    queues.url_of.cache_clear()
    yield
    for erasure in Erasure.scan():
        erasure.delete()


def _erase(instance: Instance, customer_id: str = LABEL) -> Answer:
    return instance("DELETE", f"/user_data?customer_id={quote(customer_id)}")


def _everywhere() -> str:
    """Return all rows of all tables, as text."""
    kinds = [kind for kind in vars(tables).values() if isinstance(kind, type) and issubclass(kind, Table)]
    rows = [row for kind in kinds if hasattr(kind, "Meta") for row in kind.scan()]
    return json.dumps([row.serialize() for row in rows], default=str, ensure_ascii=False)


def _job(instance: Instance, headers: dict[str, str]) -> str:
    answer = instance("POST", "/recognitions", body=WAV, headers={"Content-Type": "audio/wav"} | headers)
    assert answer.status == 201
    return str(answer.json["id"])


def _label(model: Model, name: str, customer_id: str) -> AudioResource:
    row = audio_resources.get(model.row, name)
    row.update(actions=[AudioResource.customer_id.set(customer_id)])
    return row


def test_nothing_that_bears_the_label_is_left(instance: Instance, model: Model, receiver: Receiver) -> None:
    model.add("mine")
    model.add("another's")
    mine = _label(model, "mine", LABEL)
    _label(model, "another's", "another")
    assert model.post_audio("unanalysed", X_Watson_Metadata=f"customer_id={LABEL}").status == 201
    for url, headers in ((receiver.url, MINE), (f"{receiver.url}/another", OTHERS)):
        registered = instance("POST", f"/register_callback?callback_url={quote(url)}", headers=headers)
        assert registered.status == 201
    gone, stays = _job(instance, MINE), _job(instance, OTHERS)
    foreign = Instance()
    foreign_job = _job(foreign, MINE)
    assert LABEL in _everywhere()
    answer = _erase(instance)
    assert (answer.status, answer.json) == (200, {})
    foreign("DELETE", f"/recognitions/{foreign_job}")
    assert LABEL not in _everywhere()
    assert receiver.url + '"' not in _everywhere()
    assert not objects.exists(audio_resources.key_of(mine).key)
    assert list(objects.keys(f"jobs/{instance.owner}/{gone}")) == []
    assert recognition_jobs.get(instance.owner, stays).customer_id == "another"
    assert "another's" in {audio["name"] for audio in model("GET", "/audio").json["audio"]}
    assert instance("POST", f"/unregister_callback?callback_url={quote(receiver.url)}").status == 404
    assert model("GET", "/audio/mine").status == 400


def test_what_a_reset_that_was_broken_off_has_left_goes_too(
    instance: Instance, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = instance("POST", "/customizations", {"name": "m", "base_model_name": "en-US_BroadbandModel"})
    language = f"/customizations/{made.json['customization_id']}"
    assert instance("PUT", f"{language}/words/attune", {}, headers=MINE).status == 201
    model.add("one")
    audio = _label(model, "one", LABEL)

    def unreachable(*_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1")

    with monkeypatch.context() as patched:
        patched.setattr(custom_models, "clear_away", unreachable)
        assert model("POST", "/reset").status == 200
        assert instance("POST", f"{language}/reset").status == 200
    assert LABEL in _everywhere()
    assert _erase(instance).status == 200
    assert LABEL not in _everywhere()
    assert not objects.exists(audio_resources.key_of(audio).key)


def test_models_follow_as_after_the_matching_call(instance: Instance, model: Model) -> None:
    model.add("one")
    _label(model, "one", LABEL)
    assert model.status == "ready"
    _erase(instance)
    assert model.status == "pending"


def test_words_go_and_leave_no_label(instance: Instance) -> None:
    made = instance("POST", "/customizations", {"name": "m", "base_model_name": "en-US_BroadbandModel"})
    words = f"/customizations/{made.json['customization_id']}/words"
    for word, headers in (("attune", MINE), ("ceilidh", OTHERS)):
        assert instance("PUT", f"{words}/{word}", {"sounds_like": [word]}, headers=headers).status == 201
    row = tables.UserWord.get(made.json["customization_id"], "attune")
    unwanted = tables.UserWord(
        row.customization_id,
        "unwanted",
        owner=instance.owner,
        deleted=True,
        created=row.created,
        updated=row.updated,
        customer_id=LABEL,
    )
    unwanted.save()  # a word of a corpus, which its user has deleted
    _erase(instance)
    assert [word["word"] for word in instance("GET", words).json["words"]] == ["ceilidh"]
    assert LABEL not in _everywhere()
    unwanted.refresh()
    assert unwanted.deleted


def test_nothing_to_remove_is_no_error(instance: Instance) -> None:
    answer = _erase(instance)
    assert (answer.status, answer.json) == (200, {})
    assert list(Erasure.scan()) == []


@pytest.mark.parametrize("query", ["", "?customer_id="])
def test_the_label_is_required(instance: Instance, query: str) -> None:
    answer = instance("DELETE", f"/user_data{query}")
    assert_error(answer, 400, "Required parameter 'customer_id' is missing")


def test_audio_in_use_goes_when_the_training_is_over(instance: Instance, model: Model) -> None:
    model.add("one")
    _label(model, "one", LABEL)
    row = model.row
    row.update(actions=[AcousticModel.status.set("training")])
    assert _erase(instance).status == 200
    assert model("GET", "/audio/one").status == 200
    assert erasures.carry_on(float("inf")) == 1
    row.update(actions=[AcousticModel.status.set("available")])
    assert erasures.carry_on(float("inf")) == 0
    assert model("GET", "/audio/one").status == 400
    assert LABEL not in _everywhere()


def test_what_comes_after_the_request_stays(instance: Instance) -> None:
    early, late = _job(instance, MINE), _job(instance, MINE)
    row = recognition_jobs.get(instance.owner, late)
    row.update(actions=[RecognitionJob.created.set(datetime.now(UTC) + timedelta(minutes=1))])
    _erase(instance)
    assert recognition_jobs.find(instance.owner, early) is None
    assert recognition_jobs.find(instance.owner, late) is not None
    recognition_jobs.delete(instance.owner, late)


def test_whoever_works_on_a_removed_job_keeps_nothing(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = _job(instance, MINE)

    def meanwhile(event: object) -> dict[str, object]:
        _erase(instance)
        return {"results": {"result_index": 0, "results": []}}

    monkeypatch.setattr(backend, "ask", meanwhile)
    assert work.work(instance.owner, job_id, last_attempt=False) is None
    assert list(objects.keys(f"jobs/{instance.owner}/{job_id}")) == []
    assert LABEL not in _everywhere()


def test_trouble_with_one_kind_does_not_keep_the_others(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = _job(instance, MINE)
    write(statuses.begun(recognition_jobs.get(instance.owner, job_id), datetime.now(UTC)))

    def broken(owner: str, customer_id: str, until: datetime) -> bool:
        raise OSError(owner)

    monkeypatch.setattr(erasures, "KINDS", (broken, *erasures.KINDS))
    assert _erase(instance).status == 200
    assert recognition_jobs.find(instance.owner, job_id) is None
    monkeypatch.undo()
    assert len(list(Erasure.scan())) == 1
    assert erasures.carry_on(float("inf")) == 0
    assert list(Erasure.scan()) == []


def test_the_meter_bears_no_label_and_stays(instance: Instance) -> None:
    meter.add(instance.owner, Used(MeteredWork.RECOGNITION, "sphinx", Customization.NONE, 7.0))
    before = instance("GET", "/usage").json
    assert instance("DELETE", "/user_data?customer_id=somebody").status == 200
    assert instance("GET", "/usage").json == before
