"""Custom language models over HTTP: create, list, get, reset, delete."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from chalicelib.customization import limits
from tests.api.calling import BROADBAND, OLD, Instance, assert_done, assert_error

MODELS = "/customizations"
GOOD = {"name": "menu", "base_model_name": BROADBAND}
UNKNOWN = str(uuid.UUID(int=7))


def _made(instance: Instance, **fields: Any) -> str:
    made = instance("POST", MODELS, GOOD | fields)
    assert (made.status, list(made.json)) == (201, ["customization_id"])
    customization_id: str = made.json["customization_id"]
    return customization_id


def test_a_new_model_is_pending(instance: Instance) -> None:
    customization_id = _made(instance, description="dishes and drinks")
    shown = instance("GET", f"{MODELS}/{customization_id}")
    created = shown.json["created"]
    assert shown.json == {
        "owner": instance.owner,
        "base_model_name": BROADBAND,
        "customization_id": customization_id,
        "dialect": "en-US",
        "versions": ["en-US_BroadbandModel.v2026-11-30"],
        "created": created,
        "name": "menu",
        "description": "dishes and drinks",
        "progress": 0,
        "language": "en-US",
        "updated": created,
        "status": "pending",
        "stage": "waiting for a corpus, a grammar or words",
    }


def test_models_of_both_kinds_are_apart(instance: Instance) -> None:
    language, acoustic = _made(instance), instance.model().customization_id
    listed = instance("GET", f"{MODELS}?language=en-US").json["customizations"]
    assert [one["customization_id"] for one in listed] == [language]
    assert instance("GET", f"{MODELS}/{acoustic}").status == 401
    assert instance("GET", f"/acoustic_customizations/{language}").status == 401


def test_a_dialect_must_be_that_of_the_base(instance: Instance) -> None:
    assert instance("GET", f"{MODELS}/{_made(instance, dialect='EN-us')}").json["dialect"] == "en-US"
    refused = instance("POST", MODELS, GOOD | {"dialect": "es-LA"})
    assert_error(refused, 400, "Dialect 'es-LA' is not supported for language 'en-US': it must be 'en-US'.")


def test_an_older_base_version_can_be_chosen(instance: Instance) -> None:
    customization_id = _made(instance, base_model_version=OLD)
    assert instance("GET", f"{MODELS}/{customization_id}").json["versions"] == [OLD]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_model_name": BROADBAND}, "Required parameter 'name' is missing"),
        ({"name": "menu", "base_model_name": "xx"}, "The base model 'xx' is not recognized"),
    ],
)
def test_bad_fields_are_refused(instance: Instance, fields: dict[str, str], message: str) -> None:
    assert_error(instance("POST", MODELS, fields), 400, message)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ""), ("DELETE", ""), ("POST", "/reset")],
)
def test_malformed_and_unknown_ids(instance: Instance, method: str, path: str) -> None:
    assert_error(instance(method, f"{MODELS}/nonsense{path}"), 400, "Malformed GUID: 'nonsense'")
    message = f"Invalid customization_id '{UNKNOWN}' for user"
    assert_error(instance(method, f"{MODELS}/{UNKNOWN}{path}"), 401, message)


def test_reset_and_delete(instance: Instance) -> None:
    customization_id = _made(instance)
    assert_done(instance("POST", f"{MODELS}/{customization_id}/reset", {}))
    assert_done(instance("DELETE", f"{MODELS}/{customization_id}"))
    assert instance("GET", f"{MODELS}/{customization_id}").status == 401
    assert instance("GET", MODELS).json == {"customizations": []}


def test_unknown_query_parameters_are_a_warning(instance: Instance) -> None:
    shown = instance("GET", f"{MODELS}/{_made(instance)}?x=1").json
    assert shown["warnings"] == "Unexpected query parameter(s) ['x'] detected"


def test_as_many_models_as_allowed(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MODELS_PER_OWNER", 1)
    _made(instance)
    message = (
        "This service instance has 1 custom language models, which is the most it can have. "
        "Delete a custom model before you create another one."
    )
    assert_error(instance("POST", MODELS, GOOD), 400, message)
