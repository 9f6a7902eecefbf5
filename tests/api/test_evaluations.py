"""`/v1/test_sets` and `/v1/evaluations` as a client sees them; the function that recognises is scripted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import pytest

from chalicelib.evaluation import evaluations, limits, test_sets
from chalicelib.events import evaluation_due
from chalicelib.storage import objects, queues
from tests.api.calling import NEW, OLD, Answer, Instance, assert_error
from tests.audio.archives.packing import tarred, zipped
from tests.evaluation import archives
from tests.events import recorded
from tests.recognition_function import Function

NARROW = "en-US_NarrowbandModel"
LIGHT, NETWORK = f"{NARROW}.v2019-06-24", f"{NARROW}.v2026-11-30"
TEXTS = [f"please call number {word}" for word in ("one", "two", "three", "four", "five", "six")]
MODELS = [{"model": NARROW, "base_model_version": LIGHT}, {"model": NARROW}]


@pytest.fixture(autouse=True)
def _queues(account: None) -> None:
    queues.client.cache_clear()
    queues.url_of.cache_clear()


@dataclass(frozen=True)
class Lab:
    """The test sets and evaluations of an instance."""

    instance: Instance

    def post_set(self, archive: bytes, *, query: str = "?name=calls", **headers: str) -> Answer:
        sent = {"Content-Type": "application/zip"}
        sent |= {key.replace("_", "-"): text for key, text in headers.items()}
        return self.instance("POST", f"/test_sets{query}", body=archive, headers=sent)

    def new_set(self, members: dict[str, bytes], **options: Any) -> Any:
        """Add a test set, have it read, and return what is shown of it."""
        made = self.post_set(zipped(members), **options)
        assert made.status == 201, made.body
        return self.read(made.json["test_set_id"])

    def read(self, test_set_id: str, receives: int = 1) -> Any:
        assert self.due({"test_set": test_set_id}, receives) == []
        return self.instance("GET", f"/test_sets/{test_set_id}").json

    def post(self, document: Any, **headers: str) -> Answer:
        sent = {key.replace("_", "-"): text for key, text in headers.items()}
        return self.instance("POST", "/evaluations", document, headers=sent)

    def new(self, document: Any) -> str:
        made = self.post(document)
        assert made.status == 202, made.body
        return str(made.json["evaluation_id"])

    def get(self, evaluation_id: str) -> Any:
        return self.instance("GET", f"/evaluations/{evaluation_id}").json

    def due(self, message: dict[str, Any], receives: int = 1) -> list[str]:
        event = recorded.load("evaluation_due", receives=receives)
        event["Records"][0]["body"] = json.dumps({"owner": self.instance.owner, **message})
        return recorded.failed(evaluation_due.handle(event, None))

    def finish(self, evaluation_id: str) -> Any:
        """Do all that is to be done for an evaluation, and return what is shown of it."""
        assert self.due({"evaluation": evaluation_id}) == []
        row = evaluations.get(self.instance.owner, evaluation_id)
        for piece in evaluations.pieces_left(row):
            assert self.due({"evaluation": evaluation_id, "piece": piece}) == []
        return self.get(evaluation_id)


@pytest.fixture
def lab(instance: Instance) -> Lab:
    return Lab(instance)


def test_a_test_set_from_its_making_to_its_removal(lab: Lab) -> None:
    members = archives.with_texts(TEXTS) | {"notes.pdf": b"%PDF-1.7"}
    answer = lab.post_set(zipped(members))
    assert (answer.status, set(answer.json)) == (201, {"test_set_id"})
    test_set_id = answer.json["test_set_id"]
    (waiting,) = lab.instance("GET", "/test_sets").json["test_sets"]
    assert (waiting["status"], waiting["name"]) == ("processing", "calls")
    assert "utterances" not in waiting
    read = lab.read(test_set_id)
    expected = {"status": "available", "utterances": 6, "duration": 6.0, "words": 24, "script": "Latin"}
    assert {name: read[name] for name in expected} == expected
    (finding,) = read["findings"]
    assert finding["file"] == "notes.pdf"
    assert "has no transcript" in finding["message"]
    assert lab.read(test_set_id) == read, "to read it again changes nothing"
    prefix = test_sets.key_of(test_sets.get(lab.instance.owner, test_set_id)).prefix
    kept = [key.removeprefix(prefix) for key in objects.keys(prefix)]
    assert kept == [*(f"audio/{number:06d}" for number in range(6)), "listing.json"]
    assert lab.instance("DELETE", f"/test_sets/{test_set_id}").json == {}
    assert list(objects.keys(prefix)) == []
    gone = lab.instance("GET", f"/test_sets/{test_set_id}")
    assert_error(gone, 404, f"There is no test set '{test_set_id}'. GET /v1/test_sets lists those there are.")


def test_models_are_measured_side_by_side(lab: Lab, function: Function) -> None:
    members = archives.with_texts(TEXTS)
    test_set = lab.new_set(members)

    def said(version: str, number: int) -> str:
        if version == LIGHT:
            return TEXTS[number].replace("call", "tall")
        return TEXTS[number] if number else "please uh call number"

    function.answer = archives.hearing(said, archives.numbers(members))
    evaluation_id = lab.new({"name": "which?", "test_set_id": test_set["test_set_id"], "models": MODELS})
    waiting = lab.get(evaluation_id)
    assert (waiting["status"], waiting["progress"], waiting["kind"]) == ("waiting", 0, "test_set")
    assert [model["base_model_version"] for model in waiting["models"]] == [LIGHT, NETWORK]
    assert lab.instance("GET", f"/evaluations/{evaluation_id}/picture").status == 404
    done = lab.finish(evaluation_id)
    assert (done["status"], done["progress"]) == ("completed", 100)
    assert lab.instance("GET", "/evaluations").json["evaluations"] == [
        {name: value for name, value in done.items() if name != "results"}
    ]
    results = done["results"]
    light, network = results["models"]
    figures = ("word_error_rate", "words", "errors", "substitutions", "deletions", "insertions")
    assert [light[name] for name in figures] == [0.25, 24, 6, 6, 0, 0]
    assert [network[name] for name in figures] == [round(1 / 24, 5), 24, 1, 0, 1, 0]
    assert light["interval"] == [0.25, 0.25]
    assert light["confusions"]["substitutions"] == [{"reference": "call", "recognized": "tall", "count": 6}]
    assert network["confusions"]["deletions"] == [{"word": "one", "count": 1}]
    (comparison,) = results["comparisons"]
    assert (comparison["first"], comparison["second"]) == (0, 1)
    assert comparison["difference"] == round(-5 / 24, 5)
    assert "fewer" in comparison["words"]
    first = results["utterances"][0]
    assert (first["number"], first["file"], first["reference"]) == (0, "000.wav", "please call number one")
    assert first["models"][1]["marked"] == [
        {"op": "equal", "reference": "please call number", "recognized": "please call number"},
        {"op": "deleted", "reference": "one", "recognized": ""},
    ]
    assert "The set is small" in results["words"][-1]
    assert len(function.events) == 12, "each utterance is recognised once with each model"
    assert {event["options"]["profanity_filter"] for event in function.events} == {False}

    picture = lab.instance("GET", f"/evaluations/{evaluation_id}/picture")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert ElementTree.fromstring(picture.body)[0].tag.endswith("title")
    audio = lab.instance("GET", f"/evaluations/{evaluation_id}/audio/3")
    assert (audio.headers["content-type"], audio.body) == ("audio/wav", members["003.wav"])
    for number in ("99", "-1", "x", "0x1", "９"):
        assert lab.instance("GET", f"/evaluations/{evaluation_id}/audio/{number}").status in (400, 404)
    prefix = evaluations.key_of(evaluations.get(lab.instance.owner, evaluation_id)).prefix
    assert [key.removeprefix(prefix) for key in objects.keys(prefix)] == ["picture.svg", "results.json"]
    assert lab.instance("DELETE", f"/test_sets/{test_set['test_set_id']}").status == 200
    gone = lab.instance("GET", f"/evaluations/{evaluation_id}/audio/3")
    assert_error(gone, 404, "The audio is gone: the test set was deleted.")
    assert lab.instance("DELETE", f"/evaluations/{evaluation_id}").json == {}
    assert list(objects.keys(prefix)) == []
    assert lab.instance("GET", f"/evaluations/{evaluation_id}").status == 404


def test_what_cannot_be_evaluated_is_refused_with_the_way_out(lab: Lab) -> None:
    processing = lab.post_set(zipped(archives.with_texts(TEXTS))).json["test_set_id"]
    invalid = lab.new_set({"a.wav": archives.recording(1)})
    cyrillic = lab.new_set({"a.wav": archives.recording(1), "a.txt": "добрый день".encode()})
    good = lab.new_set(archives.with_texts(TEXTS))["test_set_id"]
    refused = [
        ({}, 400, "Say what to evaluate on"),
        ({"test_set_id": good}, 400, "'models' must be a list of 1 to 4"),
        ({"test_set_id": good, "models": []}, 400, "'models' must be a list of 1 to 4"),
        ({"test_set_id": good, "models": MODELS[:1] * 5}, 400, "'models' must be a list of 1 to 4"),
        ({"test_set_id": good, "models": MODELS[:1] * 2}, 400, "Models 1 and 2 are the same one"),
        ({"test_set_id": good, "models": [{"name": "x"}]}, 400, "Unknown field 'name' of a model"),
        ({"test_set_id": good, "models": [{"model": "x"}]}, 404, "Model x not found"),
        ({"test_set_id": good, "models": [{"model": "en-US_BroadbandModel"}]}, 400, "narrowband"),
        ({"test_set_id": good, "models": MODELS, "held_out": True}, 400, "cannot stand beside"),
        ({"test_set_id": processing, "models": MODELS}, 409, "is still being read"),
        ({"test_set_id": invalid["test_set_id"], "models": MODELS}, 400, "cannot be used: There is no"),
        ({"test_set_id": cyrillic["test_set_id"], "models": MODELS}, 400, "in Cyrillic letters"),
        ({"test_set_id": "x", "models": MODELS}, 404, "There is no test set 'x'"),
        ({"acoustic_customization_id": "x"}, 400, "Say what to evaluate on"),
        ({"acoustic_customization_id": "x", "held_out": True}, 400, "Malformed GUID: 'x'"),
        ({"audio": {"acoustic_customization_id": "x", "names": []}}, 400, "Say what to evaluate on"),
        ({"nonsense": 1}, 400, "Unknown field 'nonsense'"),
    ]
    for document, status, said in refused:
        answer = lab.post(document)
        assert (answer.status, said in answer.json["error"]) == (status, True), (document, answer.body)
    assert lab.instance("GET", "/evaluations").json == {"evaluations": []}


def test_uploads_that_are_no_test_set(lab: Lab) -> None:
    assert lab.post_set(b"", query="").status == 400
    assert lab.post_set(b"RIFF....WAVE", query="").status in (400, 415)
    assert lab.post_set(b"RIFF....WAVE", Content_Type="audio/wav").status == 415
    assert lab.post_set(zipped({}), query=f"?name={'x' * 201}").status == 400
    broken = lab.post_set(b"PK\x03\x04 and no more")
    shown = lab.read(broken.json["test_set_id"])
    assert (shown["status"], shown["utterances"]) == ("invalid", 0)
    assert "damaged or was cut off" in shown["error"]
    packed = lab.post_set(tarred(archives.with_texts(TEXTS)), Content_Type="application/gzip")
    assert lab.read(packed.json["test_set_id"])["utterances"] == 6
    given_up = lab.post_set(zipped(archives.with_texts(TEXTS)))
    assert "internal error" in lab.read(given_up.json["test_set_id"], receives=3)["error"]


def test_there_may_be_only_so_many(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TEST_SETS_PER_OWNER", 2)
    monkeypatch.setattr(limits, "OPEN_PER_OWNER", 1)
    test_set_id = lab.new_set(archives.with_texts(TEXTS))["test_set_id"]
    lab.new_set(archives.with_texts(TEXTS))
    answer = lab.post_set(zipped(archives.with_texts(TEXTS)))
    assert_error(answer, 400, "You have 2 test sets, the most that one may have. Delete one first.")
    lab.new({"test_set_id": test_set_id, "models": MODELS})
    answer = lab.post({"test_set_id": test_set_id, "models": MODELS})
    assert (answer.status, "1 evaluations of yours are not over" in answer.json["error"]) == (400, True)
    assert len(lab.instance("GET", "/evaluations").json["evaluations"]) == 1
    monkeypatch.setenv("ATTUNE_OWNER_AUDIO_S_PER_HOUR", "10")
    answer = lab.post({"test_set_id": test_set_id, "models": MODELS})
    assert answer.status == 429 or "hours that you may send within an hour" in answer.json["error"]


def test_an_evaluation_waits_for_the_audio_budget(
    lab: Lab, function: Function, monkeypatch: pytest.MonkeyPatch
) -> None:
    test_set_id = lab.new_set(archives.with_texts(TEXTS))["test_set_id"]
    evaluation_id = lab.new({"test_set_id": test_set_id, "models": MODELS})
    monkeypatch.setenv("ATTUNE_OWNER_AUDIO_S_PER_HOUR", "3")
    assert lab.finish(evaluation_id)["status"] == "waiting"
    assert function.events == []


def test_what_is_deleted_under_way_ends_without_a_trace(lab: Lab, function: Function) -> None:
    test_set_id = lab.new_set(archives.with_texts(TEXTS))["test_set_id"]
    first = lab.new({"test_set_id": test_set_id, "models": MODELS})
    second = lab.new({"test_set_id": test_set_id, "models": MODELS})
    lab.due({"evaluation": first})
    lab.due({"evaluation": second})
    lab.instance("DELETE", f"/evaluations/{first}")
    lab.instance("DELETE", f"/test_sets/{test_set_id}")
    assert lab.due({"evaluation": first, "piece": 0}) == []
    assert list(objects.keys(f"evaluations/{lab.instance.owner}/{first}")) == []
    assert lab.due({"evaluation": second, "piece": 0}) == []
    shown = lab.get(second)
    assert shown["status"] == "failed"
    assert shown["error"] == "The test set was deleted while the evaluation was at work on it."


def test_audio_that_a_model_cannot_take_fails_the_evaluation_with_the_reason(
    lab: Lab, function: Function
) -> None:
    test_set_id = lab.new_set(archives.with_texts(TEXTS))["test_set_id"]
    evaluation_id = lab.new({"test_set_id": test_set_id, "models": MODELS[:1]})
    function.answer = {"error": {"code": 400, "message": "it is no audio"}}
    shown = lab.finish(evaluation_id)
    assert shown["status"] == "failed"
    assert shown["error"] == f"'000.wav' could not be recognised with base {LIGHT}: it is no audio"


def test_what_may_go_better_later_is_tried_again(lab: Lab, function: Function) -> None:
    members = archives.with_texts(TEXTS)
    test_set_id = lab.new_set(members)["test_set_id"]
    evaluation_id = lab.new({"test_set_id": test_set_id, "models": MODELS[:1]})
    lab.due({"evaluation": evaluation_id})
    for code, receives in ((503, 3), (429, 3), (500, 1)):
        function.answer = {"error": {"code": code, "message": "not now"}}
        assert lab.due({"evaluation": evaluation_id, "piece": 0}, receives)
        assert lab.get(evaluation_id)["status"] == "processing"
    function.answer = archives.hearing(lambda _, number: TEXTS[number], archives.numbers(members))
    assert lab.finish(evaluation_id)["results"]["models"][0]["errors"] == 0


def test_labelled_data_go_with_their_label(lab: Lab, function: Function) -> None:
    labelled = {"X_Watson_Metadata": "customer_id=somebody"}
    test_set_id = lab.new_set(archives.with_texts(TEXTS), **labelled)["test_set_id"]
    other = lab.new_set(archives.with_texts(TEXTS))["test_set_id"]
    lab.new({"test_set_id": test_set_id, "models": MODELS})
    lab.new({"test_set_id": other, "models": MODELS})
    assert lab.post({"test_set_id": other, "models": MODELS}, **labelled).status == 202
    assert lab.instance("DELETE", "/user_data?customer_id=somebody").status == 200
    assert [one["test_set_id"] for one in lab.instance("GET", "/test_sets").json["test_sets"]] == [other]
    kept = lab.instance("GET", "/evaluations").json["evaluations"]
    assert [one["test_set_id"] for one in kept] == [other]
    assert OLD != NEW
