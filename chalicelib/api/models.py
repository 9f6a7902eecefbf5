"""`/v1/models`: the base models that are served."""

from __future__ import annotations

from typing import Any

from chalicelib.api.calls import Call
from chalicelib.api.errors import NotFound
from chalicelib.api.routing import Routes
from chalicelib.engines.catalogue import BASE_MODELS, BaseModel

routes = Routes()

_DEPRECATED = {
    "en-UK_BroadbandModel": "en-GB_BroadbandModel",
    "en-UK_NarrowbandModel": "en-GB_NarrowbandModel",
    "ar-AR_BroadbandModel": "ar-MS_BroadbandModel",
}
"""Old names that still find their model, but are not listed."""


@routes.route("GET", "/models")
def list_models(call: Call) -> dict[str, Any]:
    """List the base models."""
    return {"models": [_shown(call, model) for model in BASE_MODELS.values()]}


@routes.route("GET", "/models/{model_id}")
def get_model(call: Call, model_id: str) -> dict[str, Any]:
    """Show one base model."""
    model = BASE_MODELS.get(_DEPRECATED.get(model_id, model_id))
    if model is None:
        raise NotFound(f"Model {model_id} not found")
    return _shown(call, model)


def _shown(call: Call, model: BaseModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "language": model.language,
        "rate": model.rate_hz,
        "url": f"{call.base_url}/v1/models/{model.name}",
        "supported_features": {
            "custom_language_model": model.custom_language_model,
            "custom_acoustic_model": True,
            "speaker_labels": model.speaker_labels,
        },
        "description": model.description,
    }
