"""`/v1/customizations`: custom language models."""

from __future__ import annotations

from typing import Any

from chalicelib.api import customizations, parameters
from chalicelib.api.calls import Answer, Call
from chalicelib.api.routing import Routes
from chalicelib.customization import language_models
from chalicelib.storage.tables import LanguageModel

routes = Routes()

_MODELS = "/customizations"
_MODEL = "/customizations/{customization_id}"


@routes.route("POST", _MODELS)
def create_language_model(call: Call) -> Answer:
    """Make an empty custom model."""
    fields = parameters.json_object(call.body)
    model = language_models.create(
        call.owner,
        name=parameters.required_text(fields, "name", customizations.LONGEST_NAME),
        base_model_name=parameters.required_text(fields, "base_model_name", customizations.LONGEST_NAME),
        dialect=parameters.optional_text(fields, "dialect", customizations.LONGEST_NAME),
        description=parameters.optional_text(fields, "description", customizations.LONGEST_DESCRIPTION),
        base_model_version=parameters.optional_text(
            fields, "base_model_version", customizations.LONGEST_NAME
        ),
    )
    return Answer(201, {"customization_id": model.customization_id})


@routes.route("GET", _MODELS)
def list_language_models(call: Call) -> dict[str, Any]:
    """List the owner's custom models, oldest first."""
    warning = parameters.warning(call, known={"language"})
    models = language_models.models(call.owner, parameters.text(call, "language"))
    return {"customizations": [_shown(model, warning) for model in models]}


@routes.route("GET", _MODEL)
def get_language_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Show one custom model."""
    return _shown(language_models.get(call.owner, customization_id), parameters.warning(call))


@routes.route("DELETE", _MODEL)
def delete_language_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Remove a custom model with everything that belongs to it."""
    language_models.delete(call.owner, customization_id)
    return {}


@routes.route("POST", f"{_MODEL}/reset")
def reset_language_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Remove the corpora, grammars and words, and the trained state."""
    language_models.reset(call.owner, customization_id)
    return {}


def _shown(model: LanguageModel, warning: str | None) -> dict[str, Any]:
    return {**customizations.shown(model, warning), "dialect": model.dialect}
