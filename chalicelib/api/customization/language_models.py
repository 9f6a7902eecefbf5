"""`/v1/customizations`: custom language models."""

from __future__ import annotations

from typing import Any

from chalicelib.api.customization import customizations
from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.customization import language_models
from chalicelib.customization.language import language_training
from chalicelib.storage.tables import LanguageModel

routes = Routes()

_MODELS = "/customizations"
_FIELDS = ("name", "base_model_name", "dialect", "description", "base_model_version")
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
    answer = {"customization_id": model.customization_id}
    return Answer(201, parameters.with_unknown_fields(answer, fields, _FIELDS))


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


@routes.route("POST", f"{_MODEL}/train")
def train_language_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Start a training on all valid corpora, grammars and words."""
    strict = parameters.boolean(call, "strict", default=True)
    weight = parameters.number(call, "customization_weight", 0, 1)
    word_type = parameters.text(call, "word_type_to_add") or "all"
    if word_type not in ("all", "user"):
        raise BadRequest(
            f"Invalid value '{word_type}' for parameter 'word_type_to_add': it must be 'all' or 'user'."
        )
    claim = language_training.begin_training(
        call.owner,
        customization_id,
        word_type="user" if word_type == "user" else "all",
        weight=weight,
        strict=strict,
    )
    _announce(claim)
    left_out = {
        ("corpora", "invalid_corpus_files"): claim.corpora,
        ("grammars", "invalid_grammar_files"): claim.grammars,
        ("words", "invalid_words"): claim.words,
    }
    warnings = [
        customizations.excluded("language", resources, code, names)
        for (resources, code), names in left_out.items()
        if names
    ]
    return {"warnings": warnings} if warnings else {}


@routes.route("DELETE", f"{_MODEL}/train")
def cancel_language_training(call: Call, customization_id: str) -> dict[str, Any]:
    """Stop the training or upgrade that is going on; the model becomes what it was before."""
    language_training.cancel(call.owner, customization_id)
    return {}


@routes.route("POST", f"{_MODEL}/upgrade_model")
def upgrade_language_model(call: Call, customization_id: str) -> dict[str, Any]:
    """Move the model to the newest version of its base model."""
    claim = language_training.begin_upgrade(call.owner, customization_id)
    if claim is not None:
        _announce(claim)
    return {}


def _announce(claim: language_training.LanguageClaim) -> None:
    # Imported here because only these calls need what it stands on.
    from chalicelib.training import language_model

    language_model.announce(claim.model)


def _shown(model: LanguageModel, warning: str | None) -> dict[str, Any]:
    return {**customizations.shown(model, warning), "dialect": model.dialect}
