"""Custom acoustic models and their audio."""

from __future__ import annotations

from chalicelib.api.descriptions.operation import (
    ANYTHING,
    BINARY,
    BOOLEAN,
    GUID,
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
from chalicelib.customization.statuses import ModelStatus

_GROUP = "Custom acoustic models"
_AUDIO_GROUP = "Audio of custom acoustic models"
_MODELS = "/acoustic_customizations"
_MODEL = "/acoustic_customizations/{customization_id}"
_ALL_AUDIO = "/acoustic_customizations/{customization_id}/audio"
_AUDIO = "/acoustic_customizations/{customization_id}/audio/{audio_name}"

LABEL: dict[str, Schema] = {"X-Watson-Metadata": {"type": "string", "examples": ["customer_id=somebody"]}}
UPLOADS = (
    *("audio/wav", "audio/flac", "audio/mpeg", "audio/ogg", "audio/webm", "audio/mp4", "audio/basic"),
    *("audio/l16", "audio/mulaw", "audio/alaw", "audio/g729"),
)
UPLOAD: dict[str, Schema] = {
    "upload": {**GUID, "description": "The id of an upload whose bytes are taken in place of a body."}
}
_ARCHIVES = ("application/zip", "application/gzip")
_HELPER: dict[str, Schema] = {"custom_language_model_id": GUID, "callback_url": TEXT, "user_token": TEXT}

MODEL_MEMBERS: dict[str, Schema] = {
    "owner": GUID,
    "base_model_name": TEXT,
    "customization_id": GUID,
    "versions": many(TEXT),
    "created": TIME,
    "name": TEXT,
    "description": TEXT,
    "progress": {"type": "integer", "minimum": 0, "maximum": 100},
    "language": TEXT,
    "updated": TIME,
    "status": one_of(*ModelStatus),
}
MODEL_OPTIONAL: dict[str, Schema] = {"stage": TEXT, "seconds_left": WHOLE, "error": TEXT, "warnings": TEXT}

SCHEMAS: dict[str, Schema] = {
    "AcousticModel": record(
        MODEL_MEMBERS,
        {
            **MODEL_OPTIONAL,
            "retrain_after_minutes": NUMBER,
            "callback_url": TEXT,
            "version": WHOLE,
            "result": TEXT,
        },
    ),
    "AcousticModels": record({"customizations": many(the("AcousticModel"))}),
    "MadeModel": record({"customization_id": GUID}, {"warnings": TEXT}),
    "TrainingResponse": record({}, {"warnings": many(record({"code": TEXT, "message": TEXT}))}),
    "AudioDetails": record(
        {},
        {
            "type": one_of("audio", "archive", "undetermined"),
            "codec": TEXT,
            "frequency": WHOLE,
            "channels": WHOLE,
            "compression": one_of("zip", "gzip"),
        },
    ),
    "AudioResource": record(
        {
            "duration": WHOLE,
            "name": TEXT,
            "details": the("AudioDetails"),
            "status": one_of("ok", "being_processed", "invalid"),
            "speech_seconds": NUMBER,
        },
        {"error": TEXT, "warning": TEXT, "warnings": TEXT},
    ),
    "AudioArchive": record(
        {"container": the("AudioResource"), "audio": many(the("AudioResource"))}, {"warnings": TEXT}
    ),
    "AudioResources": record(
        {"total_minutes_of_audio": NUMBER, "audio": many(the("AudioResource"))}, {"warnings": TEXT}
    ),
}

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", _MODELS): Operation(
        _GROUP,
        {201: answered("The id of the new model.", the("MadeModel"))},
        body={
            JSON: fields(
                {"name": TEXT, "base_model_name": TEXT},
                {
                    "description": TEXT,
                    "base_model_version": TEXT,
                    "retrain_after_minutes": {"type": "number", "minimum": 1, "maximum": 12000},
                    "callback_url": TEXT,
                },
            )
        },
    ),
    ("GET", _MODELS): Operation(
        _GROUP,
        {200: answered("The models.", the("AcousticModels"))},
        query={"language": TEXT},
    ),
    ("GET", _MODEL): Operation(_GROUP, {200: answered("The model.", the("AcousticModel"))}),
    ("DELETE", _MODEL): Operation(_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(409,)),
    ("POST", f"{_MODEL}/reset"): Operation(
        _GROUP, {200: answered("It is as when it was made.", NOTHING)}, refusals=(409,)
    ),
    ("POST", f"{_MODEL}/train"): Operation(
        _GROUP,
        {200: answered("The training has begun, or waits for its turn.", the("TrainingResponse"))},
        query={"strict": BOOLEAN, **_HELPER},
        refusals=(409,),
        description="The audio must be valid and have 10 minutes to 200 hours in all.",
    ),
    ("DELETE", f"{_MODEL}/train"): Operation(
        _GROUP, {200: answered("The job is being stopped.", NOTHING)}, refusals=(409,)
    ),
    ("POST", f"{_MODEL}/upgrade_model"): Operation(
        _GROUP,
        {200: answered("The upgrade has begun.", NOTHING)},
        query={"force": BOOLEAN, **_HELPER},
        refusals=(409,),
    ),
    ("GET", f"{_MODEL}/report"): Operation(
        _GROUP,
        {200: answered("Its `summary` in plain sentences, and all figures.", ANYTHING)},
        description="Its members depend on the engine: `docs/internals/architecture.md` lists them.",
    ),
    ("POST", _AUDIO): Operation(
        _AUDIO_GROUP,
        {201: answered("It was taken in, and is analysed now.", NOTHING)},
        query={"allow_overwrite": BOOLEAN, **UPLOAD},
        headers={"Contained-Content-Type": TEXT, **LABEL},
        body={
            **dict.fromkeys((*UPLOADS, *_ARCHIVES), BINARY),
        },
        body_required=False,
        refusals=(404, 409),
    ),
    ("GET", _ALL_AUDIO): Operation(_AUDIO_GROUP, {200: answered("The resources.", the("AudioResources"))}),
    ("GET", _AUDIO): Operation(
        _AUDIO_GROUP,
        {
            200: answered(
                "The resource; an archive with its members.",
                {"anyOf": [the("AudioResource"), the("AudioArchive")]},
            )
        },
    ),
    ("DELETE", _AUDIO): Operation(_AUDIO_GROUP, {200: answered("It is gone.", NOTHING)}, refusals=(409,)),
}
