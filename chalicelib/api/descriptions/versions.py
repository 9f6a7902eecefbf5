"""Versions of custom acoustic models, and the callbacks of a model."""

from __future__ import annotations

from chalicelib.api.descriptions.operation import (
    ANYTHING,
    BOOLEAN,
    JSON,
    NOTHING,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    Operation,
    Schema,
    answered,
    fields,
    many,
    one_of,
    record,
    the,
)
from chalicelib.customization.training_ends import TrainingEvent
from chalicelib.evaluation.statuses import EvaluationStatus

_GROUP = "Versions of custom acoustic models"
_CALLBACKS = "Callbacks"
_VERSIONS = "/acoustic_customizations/{customization_id}/versions"
_VERSION = "/acoustic_customizations/{customization_id}/versions/{version}"
_CALLBACK = "/acoustic_customizations/{customization_id}/callback"
_TOLD: dict[str, Schema] = {"callback_url": TEXT, "events": many(one_of(*TrainingEvent))}

_MEMBERS: dict[str, Schema] = {
    "version": WHOLE,
    "created": TIME,
    "current": BOOLEAN,
    "base_model_version": TEXT,
}
_OPTIONAL: dict[str, Schema] = {
    "label": TEXT,
    "bytes": WHOLE,
    "alpha": NUMBER,
    "result": TEXT,
    "versions_removed": many(WHOLE),
    "warnings": TEXT,
}
_EVALUATION = record({"evaluation_id": TEXT, "name": TEXT, "status": one_of(*EvaluationStatus)})

SCHEMAS: dict[str, Schema] = {
    "Version": record(_MEMBERS, _OPTIONAL),
    "EvaluatedVersion": record({**_MEMBERS, "evaluations": many(_EVALUATION)}, _OPTIONAL),
    "Versions": record({"versions": many(the("Version"))}),
    "ModelCallback": record(_TOLD, {"warnings": TEXT}),
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("GET", _VERSIONS): Operation(_GROUP, {200: answered("The versions.", the("Versions"))}),
    ("GET", _VERSION): Operation(
        _GROUP,
        {200: answered("The version, and what it was measured in.", the("EvaluatedVersion"))},
        refusals=(404,),
    ),
    ("PUT", _VERSION): Operation(
        _GROUP,
        {200: answered("The version with its new label.", the("Version"))},
        body={JSON: fields({"label": {"type": ["string", "null"]}}, {})},
        refusals=(404, 409),
    ),
    ("POST", f"{_VERSION}/activate"): Operation(
        _GROUP,
        {200: answered("The version, which serves now.", the("Version"))},
        refusals=(404, 409),
        description="It goes back as well as forward, in one step: a request is served by one or the other.",
    ),
    ("GET", f"{_VERSION}/report"): Operation(
        _GROUP,
        {200: answered("Its `summary` in plain sentences, and all figures.", ANYTHING)},
        refusals=(404,),
    ),
    ("GET", f"{_VERSION}/difference"): Operation(
        _GROUP,
        {200: answered("What differs, in words and figures.", ANYTHING)},
        query={"from": {"type": "integer", "minimum": 1}},
        required=("from",),
        refusals=(404,),
    ),
    ("DELETE", _VERSION): Operation(_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(404, 409)),
    ("PUT", _CALLBACK): Operation(
        _CALLBACKS,
        {200: answered("Who is told, and of what.", the("ModelCallback"))},
        body={JSON: fields({"callback_url": TEXT}, {"events": many(one_of(*TrainingEvent))})},
        refusals=(409,),
    ),
    ("GET", _CALLBACK): Operation(
        _CALLBACKS,
        {200: answered("Who is told, and of what.", the("ModelCallback"))},
        refusals=(404,),
    ),
    ("DELETE", _CALLBACK): Operation(
        _CALLBACKS, {200: answered("Nobody is told any more.", NOTHING)}, refusals=(409,)
    ),
}
