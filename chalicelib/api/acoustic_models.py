"""`/v1/acoustic_customizations`: custom acoustic models, their training, upgrade and report."""

from __future__ import annotations

import json
import math
from typing import Any

from chalicelib.api import parameters
from chalicelib.api.calls import Answer, Call
from chalicelib.api.routing import Routes
from chalicelib.customization import acoustic_models, acoustic_statuses, acoustic_training
from chalicelib.customization.acoustic_statuses import Status
from chalicelib.customization.errors import NoReport
from chalicelib.storage import layout, objects
from chalicelib.storage.tables import AcousticModel, watson_time

routes = Routes()

_MODELS = "/acoustic_customizations"
_MODEL = "/acoustic_customizations/{customization_id}"
_LONGEST_NAME = 1024
_LONGEST_DESCRIPTION = 8192
_MOST_MINUTES = 200 * 60


@routes.route("POST", _MODELS)
def create_acoustic_model(call: Call) -> Answer:
    """Make an empty custom model."""
    fields = parameters.json_object(call.body)
    model = acoustic_models.create(
        call.owner,
        name=parameters.required_text(fields, "name", _LONGEST_NAME),
        base_model_name=parameters.required_text(fields, "base_model_name", _LONGEST_NAME),
        description=parameters.optional_text(fields, "description", _LONGEST_DESCRIPTION),
        base_model_version=parameters.optional_text(fields, "base_model_version", _LONGEST_NAME),
        retrain_after_minutes=parameters.optional_number(fields, "retrain_after_minutes", 1, _MOST_MINUTES),
    )
    return Answer(201, {"customization_id": model.customization_id})


@routes.route("GET", _MODELS)
def list_acoustic_models(call: Call) -> dict[str, Any]:
    """List the owner's custom models, oldest first."""
    warning = parameters.warning(call, known={"language"})
    models = acoustic_models.models(call.owner, parameters.text(call, "language"))
    return {"customizations": [_shown(model, warning) for model in models]}


@routes.route("GET", _MODEL)
def get_acoustic_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Show one custom model."""
    return _shown(acoustic_models.get(call.owner, customization_id), parameters.warning(call))


@routes.route("DELETE", _MODEL)
def delete_acoustic_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Remove a custom model with everything that belongs to it."""
    acoustic_models.delete(call.owner, customization_id)
    return {}


@routes.route("POST", f"{_MODEL}/reset")
def reset_acoustic_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Remove the audio and the trained state."""
    acoustic_models.reset(call.owner, customization_id)
    return {}


@routes.route("POST", f"{_MODEL}/train")
def train_acoustic_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Start a training on all valid audio."""
    strict = parameters.boolean(call, "strict", default=True)
    acoustic_models.get(call.owner, customization_id)
    _check_language_model(call)
    claim = acoustic_training.begin_training(call.owner, customization_id, strict=strict)
    _launch(claim)
    if not claim.left_out:
        return {}
    message = (
        "Analysis of the following audio files has not completed successfully: "
        f"[{', '.join(claim.left_out)}]. They will be excluded from custom acoustic model training."
    )
    return {"warnings": [{"code": "invalid_audio_files", "message": message}]}


@routes.route("DELETE", f"{_MODEL}/train")
def cancel_training(call: Call, customization_id: str) -> dict[str, Any]:
    """Stop the training or upgrade that is going on; the model becomes what it was before."""
    from chalicelib.training import cancel

    cancel.request(call.owner, customization_id)
    return {}


@routes.route("POST", f"{_MODEL}/upgrade_model")
def upgrade_acoustic_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Take the model to the newest version of its base model."""
    parameters.boolean(call, "force", default=False)
    acoustic_models.get(call.owner, customization_id)
    _check_language_model(call)
    claim = acoustic_training.begin_upgrade(call.owner, customization_id)
    if claim is not None:
        _launch(claim)
    return {}


@routes.route("GET", f"{_MODEL}/report")
def get_training_report(call: Call, customization_id: str) -> Any:
    """Show what the last finished training has done, kept and left out."""
    model = acoustic_models.get(call.owner, customization_id)
    if not model.reported_run:
        raise NoReport(customization_id)
    try:
        return json.loads(
            objects.get(layout.report_key(call.owner, customization_id, int(model.reported_run)))
        )
    except objects.ObjectNotFound:
        raise NoReport(customization_id) from None


def _launch(claim: acoustic_training.Claim) -> None:
    """Start the claimed run; whatever goes wrong, the model is not left in it."""
    # Imported here because only these calls need what it stands on.
    from chalicelib.training import launch

    try:
        launch.start(claim)
    except Exception:
        model = claim.model
        acoustic_training.training_failed(
            model.owner, model.customization_id, int(model.run), launch.NOT_STARTED
        )
        raise


def _check_language_model(call: Call) -> None:
    """Refuse a helper language model: the owner cannot have one, so its id is malformed or unknown."""
    language_model_id = parameters.text(call, "custom_language_model_id")
    if language_model_id is not None:
        acoustic_models.refuse_id(language_model_id)


def _shown(model: AcousticModel, warning: str | None) -> dict[str, Any]:
    running = model.status in acoustic_statuses.RUNNING
    shown: dict[str, Any] = {
        "owner": model.owner,
        "base_model_name": model.base_model_name,
        "customization_id": model.customization_id,
        "versions": list(model.versions),
        "created": watson_time(model.created),
        "name": model.name,
        "description": model.description or "",
        "progress": _progress(model),
        "language": model.language,
        "updated": watson_time(model.updated),
        "status": str(model.status),
    }
    if running:
        shown["stage"] = model.stage or "waiting for a machine"
        if model.seconds_left is not None:
            shown["seconds_left"] = math.ceil(model.seconds_left)
    elif model.error:
        shown["error"] = model.error
    if model.retrain_after_minutes is not None:
        shown["retrain_after_minutes"] = model.retrain_after_minutes
    if warning is not None:
        shown["warnings"] = warning
    return shown


def _progress(model: AcousticModel) -> int:
    if model.status == Status.AVAILABLE:
        return 100
    return int(model.progress) if model.status in acoustic_statuses.RUNNING else 0
