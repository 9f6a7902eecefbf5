"""Test sets, and models that are measured or compared."""

from __future__ import annotations

from chalicelib.api.descriptions.acoustic import LABEL, UPLOAD, UPLOADS
from chalicelib.api.descriptions.operation import (
    ANYTHING,
    BINARY,
    BOOLEAN,
    JSON,
    NOTHING,
    NUMBER,
    TEXT,
    TIME,
    WHOLE,
    Answered,
    Operation,
    Schema,
    answered,
    fields,
    many,
    one_of,
    record,
    the,
)
from chalicelib.evaluation.statuses import EvaluationStatus, SetStatus

_SETS_GROUP, _GROUP = "Test sets", "Evaluations"
_SETS, _SET = "/test_sets", "/test_sets/{test_set_id}"
_EVALUATIONS, _EVALUATION = "/evaluations", "/evaluations/{evaluation_id}"
_SET_MEMBERS: dict[str, Schema] = {
    "test_set_id": TEXT,
    "name": TEXT,
    "status": one_of(*SetStatus),
    "created": TIME,
    "updated": TIME,
    "bytes": WHOLE,
}
_SET_OPTIONAL: dict[str, Schema] = {
    "utterances": WHOLE,
    "duration": NUMBER,
    "words": WHOLE,
    "script": {"type": ["string", "null"]},
    "left_out": WHOLE,
    "error": TEXT,
}
_MEMBERS: dict[str, Schema] = {
    "evaluation_id": TEXT,
    "name": TEXT,
    "kind": TEXT,
    "status": one_of(*EvaluationStatus),
    "progress": {"type": "integer", "minimum": 0, "maximum": 100},
    "created": TIME,
    "updated": TIME,
    "models": many(ANYTHING),
}
_OPTIONAL: dict[str, Schema] = {
    "test_set_id": TEXT,
    "acoustic_customization_id": TEXT,
    "held_out": BOOLEAN,
    "audio_names": many(TEXT),
    "error": TEXT,
}
_MODEL: Schema = fields(
    {},
    {
        "model": TEXT,
        "base_model_version": TEXT,
        "acoustic_customization_id": TEXT,
        "acoustic_customization_version": {"type": "integer", "minimum": 1},
        "language_customization_id": TEXT,
    },
)

SCHEMAS: dict[str, Schema] = {
    "TestSet": record(_SET_MEMBERS, _SET_OPTIONAL),
    "ReadTestSet": record(
        _SET_MEMBERS,
        {
            **_SET_OPTIONAL,
            "findings": many(record({"file": TEXT, "message": TEXT}, {"line": WHOLE})),
            "findings_left_out": WHOLE,
        },
    ),
    "TestSets": record({"test_sets": many(the("TestSet"))}),
    "MadeTestSet": record({"test_set_id": TEXT}),
    "Evaluation": record(_MEMBERS, _OPTIONAL),
    "EvaluationWithResults": record(_MEMBERS, {**_OPTIONAL, "results": ANYTHING}),
    "Evaluations": record({"evaluations": many(the("Evaluation"))}),
    "MadeEvaluation": record({"evaluation_id": TEXT, "status": one_of(*EvaluationStatus)}),
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", _SETS): Operation(
        _SETS_GROUP,
        {201: answered("The id of the new test set, which is read now.", the("MadeTestSet"))},
        query={"name": TEXT, **UPLOAD},
        headers={"Contained-Content-Type": TEXT, **LABEL},
        body=dict.fromkeys(("application/zip", "application/gzip"), BINARY),
        body_required=False,
        refusals=(404, 409),
        description="`docs/evaluation.md` says how recordings and transcripts are packed.",
    ),
    ("GET", _SETS): Operation(_SETS_GROUP, {200: answered("The test sets.", the("TestSets"))}),
    ("GET", _SET): Operation(
        _SETS_GROUP, {200: answered("The test set.", the("ReadTestSet"))}, refusals=(404,)
    ),
    ("DELETE", _SET): Operation(_SETS_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(404, 409)),
    ("POST", _EVALUATIONS): Operation(
        _GROUP,
        {202: answered("The id of the evaluation, which waits for its turn.", the("MadeEvaluation"))},
        headers=LABEL,
        body={
            JSON: fields(
                {},
                {
                    "name": TEXT,
                    "test_set_id": TEXT,
                    "models": many(_MODEL),
                    "acoustic_customization_id": TEXT,
                    "held_out": BOOLEAN,
                    "audio": fields({"acoustic_customization_id": TEXT}, {"audio_names": many(TEXT)}),
                },
            )
        },
        refusals=(404, 409),
    ),
    ("GET", _EVALUATIONS): Operation(_GROUP, {200: answered("The evaluations.", the("Evaluations"))}),
    ("GET", _EVALUATION): Operation(
        _GROUP,
        {
            200: answered(
                "The evaluation; when it is completed, with its results.", the("EvaluationWithResults")
            )
        },
        refusals=(404,),
    ),
    ("GET", f"{_EVALUATION}/picture"): Operation(
        _GROUP,
        {200: Answered("The rates with their intervals, or how much changed.", {"image/svg+xml": TEXT})},
        refusals=(404,),
    ),
    ("GET", f"{_EVALUATION}/audio/{{number}}"): Operation(
        _GROUP,
        {
            200: Answered(
                "The recording of an utterance.",
                dict.fromkeys((*UPLOADS, "application/octet-stream"), BINARY),
            )
        },
        refusals=(404,),
    ),
    ("DELETE", _EVALUATION): Operation(_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(404,)),
}
