"""Versions of custom acoustic models over HTTP: seen, labelled, compared, activated, deleted, used."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage import layout, objects
from tests.api.calling import Model, assert_done, assert_error
from tests.api.test_recognition import Api
from tests.customization.reports.test_report_summary import NETWORK
from tests.recognition_function import Function
from tests.sagemaker import Platform

LOCKED = "Customization '{}' is currently locked to process your last request."
WAV = b"RIFF\x24\x10\x00\x00WAVEfmt " + bytes(200)


def train(model: Model, report: dict[str, Any] = NETWORK) -> None:
    """Let one training more succeed."""
    model.add(f"audio {int(model.row.run) + 1}")
    assert_done(model("POST", "/train"))
    row = model.row
    run = int(row.run)
    place = (row.owner, row.customization_id, run)
    objects.put(layout.report_key(*place), json.dumps(report).encode())
    objects.put(layout.adapted_model_key(*place), b"x" * 100)
    assert acoustic_training.training_succeeded(
        *place, sha256=f"{run:064d}", size_bytes=100, report=report, most_versions=3
    )


@pytest.fixture
def trained(model: Model, platform: Platform) -> Model:
    train(model)
    train(model, NETWORK | {"alpha": 1.0, "audio_s": 1740.0})
    return model


def listed(model: Model) -> dict[int, bool]:
    return {one["version"]: one["current"] for one in model("GET", "/versions").json["versions"]}


def test_a_model_without_versions(model: Model) -> None:
    assert model("GET", "/versions").json == {"versions": []}
    assert not {"version", "result"} & model.shown.keys()
    unknown = f"Customization '{model.customization_id}' has no version 1: it has none yet. Train it first."
    for method, path in (
        ("GET", ""),
        ("DELETE", ""),
        ("POST", "/activate"),
        ("GET", "/report"),
        ("GET", "/difference?from=2"),
    ):
        assert_error(model(method, f"/versions/1{path}"), 404, unknown)
    assert_error(model("PUT", "/versions/1", {"label": "x"}), 404, unknown)


def test_a_version_says_what_there_is_to_know(trained: Model) -> None:
    newest, first = trained("GET", "/versions").json["versions"]
    assert first == {
        "version": 1,
        "created": first["created"],
        "current": False,
        "base_model_version": "en-US_BroadbandModel.v2020-01-16",
        "bytes": 100,
        "alpha": 0.75,
        "result": "75 % of what was learned is used. Of words in audio that it did not learn from, the model is "
        "62 % sure; the base model was 51 % sure.",
    }
    assert (newest["version"], newest["current"]) == (2, True)
    assert trained("GET", "/versions/1").json == {**first, "evaluations": []}
    shown = trained.shown
    assert (shown["version"], shown["result"]) == (2, newest["result"])
    assert shown["versions"] == ["en-US_BroadbandModel.v2020-01-16"], "Watson's word for base versions"


def test_a_version_names_the_evaluations_of_it(trained: Model) -> None:
    chosen = {"acoustic_customization_id": trained.customization_id}
    audio = {**chosen, "audio_names": ["audio 1"]}
    base = {"base_model_version": trained("GET", "/versions/1").json["base_model_version"]}
    asked = {"name": "May", "audio": audio, "models": [base, {**chosen, "acoustic_customization_version": 1}]}
    made = trained.instance("POST", "/evaluations", asked)
    assert made.status == 202, made.body
    of_first = trained("GET", "/versions/1").json["evaluations"]
    assert of_first == [{"evaluation_id": made.json["evaluation_id"], "name": "May", "status": "waiting"}]
    assert trained("GET", "/versions/2").json["evaluations"] == []


def test_rolling_back_and_forward(trained: Model) -> None:
    answer = trained("POST", "/versions/1/activate")
    assert (answer.status, answer.json["version"], answer.json["current"]) == (200, 1, True)
    assert listed(trained) == {2: False, 1: True}
    assert (trained.shown["version"], trained.status) == (1, "available")
    assert answer.json == trained("POST", "/versions/1/activate").json, "said again, nothing changes"
    assert trained("POST", "/versions/2/activate").status == 200
    assert listed(trained) == {2: True, 1: False}
    trained.add("more")
    assert_done(trained("POST", "/train"))
    assert_error(trained("POST", "/versions/1/activate"), 409, LOCKED.format(trained.customization_id))


def test_a_label(trained: Model) -> None:
    answer = trained("PUT", "/versions/1", {"label": "before the move", "colour": "red"})
    assert answer.json["label"] == "before the move"
    assert answer.json["warnings"] == "Unexpected field(s) ['colour'] detected"
    assert trained("GET", "/versions/1").json["label"] == "before the move"
    assert "label" not in trained("PUT", "/versions/1", {"label": None}).json
    assert_error(trained("PUT", "/versions/1", {}), 400, "Required parameter 'label' is missing")
    assert_error(
        trained("PUT", "/versions/1", {"label": "x" * 201}),
        400,
        "Invalid value for parameter 'label': it has more than 200 characters.",
    )


def test_reports_and_their_difference(trained: Model) -> None:
    report = trained("GET", "/versions/1/report").json
    assert report["alpha"] == 0.75
    assert report["summary"][0] == "The model was given 14.5 minutes of audio, 10.2 minutes of it speech."
    assert trained("GET", "/report").json["alpha"] == 1.0
    difference = trained("GET", "/versions/2/difference?from=1").json
    assert (difference["from"], difference["to"]) == (1, 2)
    assert {"name": "alpha", "from": 0.75, "to": 1.0, "difference": 0.25} in difference["figures"]
    assert difference["words"] == [
        "Version 2 was given 29.0 minutes of audio, version 1 14.5 minutes.",
        "Version 2 uses 100 % of what it learned, version 1 75 %.",
        "How sure the two are cannot be compared directly: they were not judged by the same audio.",
    ]
    assert_error(
        trained("GET", "/versions/2/difference"),
        400,
        "Required parameter 'from' is missing: the number of the version to compare with",
    )
    assert_error(
        trained("GET", "/versions/2/difference?from=x"),
        400,
        "Invalid value 'x' for parameter 'from': it must be a whole number of at least 1.",
    )
    unknown = f"Customization '{trained.customization_id}' has no version 3; it has 2 and 1."
    assert_error(trained("GET", "/versions/2/difference?from=3"), 404, unknown)
    row = trained.row
    objects.delete(layout.report_key(row.owner, row.customization_id, 1))
    for path in ("/versions/1/report", "/versions/2/difference?from=1"):
        assert trained("GET", path).status == 404


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.0", "01", "9" * 10, "%D9%A1"])
def test_what_is_no_number(trained: Model, text: str) -> None:
    answer = trained("GET", f"/versions/{text}")
    assert answer.status == 400
    assert answer.json["error"].endswith("for the version: it must be a whole number of at least 1.")


def test_a_version_is_deleted_but_not_the_current_one(trained: Model) -> None:
    train(trained)
    assert_done(trained("DELETE", "/versions/1"))
    assert listed(trained) == {3: True, 2: False}
    row = trained.row
    assert not objects.exists(layout.adapted_model_key(row.owner, row.customization_id, 1))
    assert_error(
        trained("DELETE", "/versions/3"),
        409,
        f"Version 3 of customization '{trained.customization_id}' is the current one and cannot be deleted. "
        "Activate another version first, or reset the custom model.",
    )
    train(trained)
    train(trained)
    assert listed(trained) == {5: True, 4: False, 3: False}
    assert trained("GET", "/versions/5").json["versions_removed"] == [2]


def test_a_version_that_a_job_needs_keeps_its_files(trained: Model, function: Function) -> None:
    asked = f"?acoustic_customization_id={trained.customization_id}&acoustic_customization_version=1"
    made = trained.instance("POST", f"/recognitions{asked}", body=WAV, headers={"Content-Type": "audio/wav"})
    assert made.status == 201
    row = trained.row
    key = layout.adapted_model_key(row.owner, row.customization_id, 1)
    assert_done(trained("DELETE", "/versions/1"))
    assert objects.exists(key)
    assert trained("GET", "/versions/1").status == 404
    assert trained.instance("POST", f"/recognitions{asked}", body=WAV).status == 404


def test_recognition_with_a_version(trained: Model, function: Function) -> None:
    api = Api(trained.instance)
    asked = f"?acoustic_customization_id={trained.customization_id}"
    for query, run in (("", 2), ("&acoustic_customization_version=1", 1)):
        assert api.recognize(query=asked + query).status == 200
        assert f"/{run:06d}/" in function.events[-1]["adapted_model"]["key"]
    assert_error(
        api.recognize(query=f"{asked}&acoustic_customization_version=7"),
        404,
        f"Customization '{trained.customization_id}' has no version 7; it has 2 and 1.",
    )
    for text in ("0", "x", "1.5", ""):
        assert_error(
            api.recognize(query=f"{asked}&acoustic_customization_version={text}"),
            400,
            f"Invalid value '{text}' for parameter 'acoustic_customization_version': "
            "it must be a whole number of at least 1",
        )
    assert_error(
        api.recognize(query="?acoustic_customization_version=1"),
        400,
        "acoustic_customization_version needs acoustic_customization_id, the model that has the version",
    )
