"""`/v1/acoustic_customizations`: custom acoustic models, their training, upgrade and report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib import settings
from chalicelib.api import callbacks
from chalicelib.api.customization import acoustic_versions, customizations
from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.routing import Routes
from chalicelib.callbacks import exchange
from chalicelib.customization import acoustic_models, language_models, turns
from chalicelib.customization.acoustic import acoustic_training, kept_versions
from chalicelib.customization.errors import NoReport
from chalicelib.storage.tables import AcousticModel, LanguageModel

routes = Routes()

_MODELS = "/acoustic_customizations"
_FIELDS = (
    "name",
    "base_model_name",
    "description",
    "base_model_version",
    "retrain_after_minutes",
    "callback_url",
)
_MODEL = "/acoustic_customizations/{customization_id}"
_MOST_MINUTES = 200 * 60


@routes.route("POST", _MODELS)
def create_acoustic_model(call: Call) -> Answer:
    """Make an empty custom model."""
    fields = parameters.json_object(call.body)
    model = acoustic_models.create(
        call.owner,
        name=parameters.required_text(fields, "name", customizations.LONGEST_NAME),
        base_model_name=parameters.required_text(fields, "base_model_name", customizations.LONGEST_NAME),
        description=parameters.optional_text(fields, "description", customizations.LONGEST_DESCRIPTION),
        base_model_version=parameters.optional_text(
            fields, "base_model_version", customizations.LONGEST_NAME
        ),
        retrain_after_minutes=parameters.optional_number(fields, "retrain_after_minutes", 1, _MOST_MINUTES),
        callback_url=callbacks.registered(
            call, parameters.optional_text(fields, "callback_url", exchange.LONGEST_URL) or None
        ),
    )
    answer = {"customization_id": model.customization_id}
    return Answer(201, parameters.with_unknown_fields(answer, fields, _FIELDS))


@routes.route("GET", _MODELS)
def list_acoustic_models(call: Call) -> dict[str, Any]:
    """List the owner's custom models, oldest first."""
    warning = parameters.warning(call, known={"language"})
    models = acoustic_models.models(call.owner, parameters.text(call, "language"))
    places = _places(models)
    return {
        "customizations": [_shown(model, warning, places.get(model.customization_id)) for model in models]
    }


@routes.route("GET", _MODEL)
def get_acoustic_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Show one custom model."""
    model = acoustic_models.get(call.owner, customization_id)
    return _shown(model, parameters.warning(call), _places([model]).get(customization_id))


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
    claim = acoustic_training.begin_training(
        call.owner, customization_id, strict=strict, helper=_helper(call), callback=_callback(call)
    )
    _launch(claim)
    if not claim.left_out:
        return {}
    return {
        "warnings": [
            customizations.excluded("acoustic", "audio files", "invalid_audio_files", claim.left_out)
        ]
    }


@routes.route("DELETE", f"{_MODEL}/train")
def cancel_training(call: Call, customization_id: str) -> dict[str, Any]:
    """Stop the training or upgrade that is going on; the model becomes what it was before."""
    from chalicelib.training import cancel

    cancel.request(call.owner, customization_id)
    return {}


@routes.route("POST", f"{_MODEL}/upgrade_model")
def upgrade_acoustic_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Move the model to the newest version of its base model."""
    force = parameters.boolean(call, "force", default=False)
    acoustic_models.get(call.owner, customization_id)
    claim = acoustic_training.begin_upgrade(
        call.owner, customization_id, helper=_helper(call), force=force, callback=_callback(call)
    )
    if claim is not None:
        _launch(claim)
    return {}


@routes.route("GET", f"{_MODEL}/report")
def get_training_report(call: Call, customization_id: str) -> Any:
    """Show what the last finished training has done, kept and left out."""
    model = acoustic_models.get(call.owner, customization_id)
    if not model.reported_run:
        raise NoReport(customization_id)
    return acoustic_versions.report(model, int(model.reported_run))


def _launch(claim: acoustic_training.AcousticClaim) -> None:
    """Start the claimed run; whatever goes wrong, the model is not left in it."""
    # Imported here because only these calls need what it stands on.
    from chalicelib.training import ends, launch

    try:
        launch.start(claim)
    except Exception:
        ends.failed(launch.run_of(claim.model), launch.NOT_STARTED)
        raise


def _helper(call: Call) -> LanguageModel | None:
    """Return the custom language model that is to help."""
    customization_id = parameters.text(call, "custom_language_model_id")
    return None if customization_id is None else language_models.get(call.owner, customization_id)


def _callback(call: Call) -> acoustic_training.RunCallback | None:
    """Return who is told of the end of this run; None: whoever is told of all of the model's."""
    url = callbacks.registered(call, parameters.text(call, "callback_url"))
    return None if url is None else acoustic_training.RunCallback(url, parameters.text(call, "user_token"))


def _places(models: Sequence[AcousticModel]) -> dict[str, turns.PlaceInLine]:
    chosen = settings.current()
    budget = turns.TrainingBudget(chosen.max_trainings_at_once, chosen.max_trainings_at_once_of_owner)
    return turns.places(models, budget)


def _shown(model: AcousticModel, warning: str | None, place: turns.PlaceInLine | None) -> dict[str, Any]:
    answer = customizations.shown(model, warning)
    if place is not None and "stage" in answer:
        answer["stage"] = _waiting(place)
    if model.retrain_after_minutes is not None:
        answer["retrain_after_minutes"] = model.retrain_after_minutes
    if model.callback_url:
        answer["callback_url"] = model.callback_url
    if model.promoted_run:
        current = acoustic_versions.shown(model, kept_versions.get(model, int(model.promoted_run)))
        answer |= {name: current[name] for name in ("version", "result") if name in current}
    return answer


def _waiting(place: turns.PlaceInLine) -> str:
    """Return why a training waits, in words."""
    chosen = settings.current()
    if place.owners_limit:
        why = f"of your models {chosen.max_trainings_at_once_of_owner} are trained at once"
    else:
        why = f"this service trains {chosen.max_trainings_at_once} at once"
    before = f", {place.ahead} that wait come before it" if place.ahead else ", it is the next"
    return f"{turns.WAITING}: {why}{before}"
