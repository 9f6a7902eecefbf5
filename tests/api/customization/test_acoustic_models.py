"""Custom acoustic models over HTTP: create, list, get, reset, delete."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest

from chalicelib.customization import limits
from chalicelib.storage import objects
from tests.api.calling import BROADBAND, NEW, NEWEST, OLD, Instance, Model, assert_done, assert_error
from tests.sagemaker import Platform

MODELS = "/acoustic_customizations"
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
GOOD = {"name": "kitchen", "base_model_name": BROADBAND}
UNKNOWN = str(uuid.UUID(int=7))


def test_models_are_made_on_the_engine_that_the_operator_has_adapted(
    instance: Instance, only_sphinx_adapts: None
) -> None:
    made = instance("POST", MODELS, GOOD).json["customization_id"]
    assert instance("GET", f"{MODELS}/{made}").json["versions"] == [NEW]
    refused = instance("POST", MODELS, GOOD | {"base_model_version": NEWEST})
    assert refused.status == 400
    assert NEWEST in refused.json["error"]
    assert NEW in refused.json["error"]


def test_a_pending_model_says_what_it_waits_for(model: Model) -> None:
    assert model.shown["stage"] == "waiting for valid audio"
    model.add_unanalysed("one")
    assert model.shown["stage"] == "waiting for the analysis of 1 upload"
    model.add_unanalysed("two")
    assert model.shown["stage"] == "waiting for the analysis of 2 uploads"


def test_a_new_model_is_pending(instance: Instance) -> None:
    made = instance("POST", MODELS, GOOD | {"description": "tiles and a fan"})
    assert made.status == 201
    assert list(made.json) == ["customization_id"]
    customization_id = made.json["customization_id"]
    assert GUID.fullmatch(customization_id)
    shown = instance("GET", f"{MODELS}/{customization_id}")
    assert shown.status == 200
    created = shown.json["created"]
    assert TIME.fullmatch(created)
    assert shown.json == {
        "owner": instance.owner,
        "base_model_name": BROADBAND,
        "customization_id": customization_id,
        "versions": [NEWEST],
        "created": created,
        "name": "kitchen",
        "description": "tiles and a fan",
        "progress": 0,
        "language": "en-US",
        "updated": created,
        "status": "pending",
        "stage": "waiting for valid audio",
    }
    assert list(shown.json)[:6] == [
        "owner",
        "base_model_name",
        "customization_id",
        "versions",
        "created",
        "name",
    ]


def test_our_own_options_of_a_new_model(instance: Instance) -> None:
    options = {"base_model_version": OLD, "retrain_after_minutes": 30}
    made = instance("POST", MODELS, GOOD | options).json["customization_id"]
    shown = instance("GET", f"{MODELS}/{made}").json
    assert (shown["versions"], shown["retrain_after_minutes"]) == ([OLD], 30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "Required parameter 'name' cannot be null"),
        ({"name": " "}, "Required parameter 'name' cannot be empty string"),
        ({"name": 7}, "Invalid value for parameter 'name': it must be a string."),
        ({"name": "\ud800"}, "Invalid value for parameter 'name': it is not valid Unicode."),
        ({"name": "n" * 1025}, "Invalid value for parameter 'name': it has more than 1024 characters."),
        ({"base_model_name": None}, "Required parameter 'base_model_name' cannot be null"),
        ({"base_model_name": ""}, "Required parameter 'base_model_name' cannot be empty string"),
        ({"base_model_name": "xx"}, "The base model 'xx' is not recognized"),
        ({"description": 7}, "Invalid value for parameter 'description': it must be a string."),
        (
            {"base_model_version": "v1"},
            f"The base model '{BROADBAND}' has no version 'v1'; it has {OLD}, {NEW}, {NEWEST}.",
        ),
        *(
            (
                {"retrain_after_minutes": bad},
                "Invalid value for parameter 'retrain_after_minutes': it must be a number from 1 to 12000.",
            )
            for bad in ("30", 0, 12_001, True, 1e400)
        ),
    ],
)
def test_a_model_is_refused(instance: Instance, changes: dict[str, Any], message: str) -> None:
    answer = instance("POST", MODELS, GOOD | changes)
    if (
        changes.get("retrain_after_minutes") == 1e400
    ):  # Python writes the number as Infinity, which is no JSON
        assert answer.status == 400
        assert answer.json["error"].startswith("The body of the request is not valid JSON")
    else:
        assert_error(answer, 400, message)
    assert instance("GET", MODELS).json == {"customizations": []}


@pytest.mark.parametrize("missing", ["name", "base_model_name"])
def test_a_model_lacks_a_field(instance: Instance, missing: str) -> None:
    fields = {name: value for name, value in GOOD.items() if name != missing}
    assert_error(instance("POST", MODELS, fields), 400, f"Required parameter '{missing}' is missing")


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"\xff", b'"x"', b"[" * 100_000, b'{"name": NaN}'])
def test_a_body_is_no_object(instance: Instance, body: bytes) -> None:
    answer = instance("POST", MODELS, body=body)
    assert answer.status == 400
    assert answer.json["error"].startswith("The body of the request ")


def test_one_model_too_many_leaves_the_others(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MODELS_PER_OWNER", 2)
    made = [instance("POST", MODELS, GOOD).json["customization_id"] for _ in range(2)]
    assert_error(
        instance("POST", MODELS, GOOD),
        400,
        "This service instance has 2 custom acoustic models, which is the most it can have. "
        "Delete a custom model before you create another one.",
    )
    listed = instance("GET", MODELS).json["customizations"]
    assert [one["customization_id"] for one in listed] == made
    assert Instance()("POST", MODELS, GOOD).status == 201


def test_models_are_listed_oldest_first_and_by_language(instance: Instance) -> None:
    assert instance("GET", MODELS).json == {"customizations": []}
    made = [instance("POST", MODELS, GOOD).json["customization_id"] for _ in range(3)]
    everything = instance("GET", MODELS).json["customizations"]
    assert [one["customization_id"] for one in everything] == made
    assert everything[0] == instance("GET", f"{MODELS}/{made[0]}").json
    assert instance("GET", f"{MODELS}?language=en-US").json["customizations"] == everything
    assert_error(
        instance("GET", f"{MODELS}?language=xx-XX"),
        400,
        "Language 'xx-XX' is not supported for customization",
    )


def test_unknown_query_parameters_are_warned_about(model: Model) -> None:
    sentence = "Unexpected query parameter(s) ['x', 'y'] detected"
    assert model("GET", "?x=1&y=").json["warnings"] == sentence
    listed = model.instance("GET", f"{MODELS}?language=en-US&x=1&y=2&x=3").json
    assert [one["warnings"] for one in listed["customizations"]] == [sentence]
    assert "warnings" not in model.shown


def test_unknown_fields_of_a_new_model_are_warned_about(model: Model) -> None:
    answer = model.instance("POST", MODELS, GOOD | {"retrain_after_minute": 30, "\ud800": 1})
    assert answer.status == 201
    assert answer.json["warnings"] == "Unexpected field(s) ['retrain_after_minute', '\\ud800'] detected"
    assert model.instance("POST", MODELS, GOOD).json.keys() == {"customization_id"}


CALLS = [
    ("GET", ""),
    ("DELETE", ""),
    ("POST", "/train"),
    ("DELETE", "/train"),
    ("POST", "/reset"),
    ("POST", "/upgrade_model"),
    ("GET", "/report"),
    ("GET", "/audio"),
    ("GET", "/audio/a"),
    ("POST", "/audio/a"),
    ("DELETE", "/audio/a"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_ids_are_checked_everywhere(model: Model, method: str, path: str) -> None:
    model.add("a")
    before = model.shown
    audio = {"body": b"RIFF", "headers": {"Content-Type": "audio/wav"}}

    def call(instance: Instance, customization_id: str) -> Any:
        return instance(method, f"{MODELS}/{customization_id}{path}", **audio)  # type: ignore[arg-type]

    for malformed in ("nonsense", model.customization_id.upper(), model.customization_id + "0"):
        assert_error(call(model.instance, malformed), 400, f"Malformed GUID: '{malformed}'")
    refused = "Invalid customization_id '{}' for user"
    assert_error(call(model.instance, UNKNOWN), 401, refused.format(UNKNOWN))
    # Somebody else's model is answered like one that does not exist.
    foreign = call(Instance(), model.customization_id)
    assert_error(foreign, 401, refused.format(model.customization_id))
    assert model.shown == before


def test_others_see_nothing_of_a_model(model: Model) -> None:
    other = Instance()
    assert other("GET", MODELS).json == {"customizations": []}
    own = other("POST", MODELS, GOOD).json["customization_id"]
    assert [one["customization_id"] for one in other("GET", MODELS).json["customizations"]] == [own]
    assert [one["owner"] for one in model.instance("GET", MODELS).json["customizations"]] == [
        model.instance.owner
    ]


def test_a_deleted_model_is_gone_with_its_audio(model: Model) -> None:
    model.add("a")
    assert list(objects.keys(f"audio/{model.instance.owner}/"))
    assert_done(model("DELETE"))
    gone = f"Invalid customization_id '{model.customization_id}' for user"
    for method in ("GET", "DELETE"):
        assert_error(model(method), 401, gone)
    assert list(objects.keys(f"audio/{model.instance.owner}/")) == []
    assert model.instance("GET", MODELS).json == {"customizations": []}


def test_reset_takes_the_audio_and_keeps_the_model(model: Model) -> None:
    model.add("a")
    before = model.shown
    assert before["status"] == "ready"
    assert_done(model("POST", "/reset"))
    after = model.shown
    assert (after["status"], after["progress"]) == ("pending", 0)
    kept = ("name", "created", "versions", "base_model_name", "owner")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    assert model("GET", "/audio").json == {"total_minutes_of_audio": 0, "audio": []}
    assert_error(model("GET", "/audio/a"), 400, "Invalid value for audio name 'a'")
    # It is over when it returns.
    assert_done(model("DELETE"))


def test_reset_makes_room_for_the_same_name(model: Model) -> None:
    model.add("a")
    model("POST", "/reset")
    assert model.post_audio("a").status == 201


@pytest.mark.parametrize("body", [b"", b"{}", b"ignored"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_calls_without_data_take_any_body(model: Model, body: bytes, content_type: str) -> None:
    assert_done(model("POST", "/reset", body=body, headers={"Content-Type": content_type}))


@pytest.mark.parametrize("state", ["analysing", "training"])
@pytest.mark.parametrize(("method", "path"), [("POST", "/reset"), ("DELETE", "")])
def test_a_busy_model_is_neither_reset_nor_deleted(
    model: Model, platform: Platform, state: str, method: str, path: str
) -> None:
    if state == "analysing":
        model.add_unanalysed("a")
    else:
        model.add("a")
        assert_done(model("POST", "/train"))
    before = model.shown
    assert_error(
        model(method, path),
        409,
        f"Customization '{model.customization_id}' is currently locked to process your last request.",
    )
    assert model.shown == before
