"""`/v1/models`: the base models that are served."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import NotFound
from chalicelib.api.http.routing import Routes
from chalicelib.api.openai import openai_models
from chalicelib.engines import availability, catalogue
from chalicelib.engines.catalogue import BASE_MODELS, NEXT_GENERATION, BaseModel
from chalicelib.recognition.request import openai_dialect

routes = Routes()


@routes.route("GET", "/models")
def list_models(call: Call) -> dict[str, Any]:
    """List the base models; OpenAI's clients get all models that they may name, in OpenAI's shape."""
    if openai_dialect.is_spoken(call.route, call.headers):
        return openai_models.listed(call.owner)
    return {"models": [_shown(call, model, model.name) for model in BASE_MODELS.values()]}


@routes.route("GET", "/models/{model_id}")
def get_model(call: Call, model_id: str) -> dict[str, Any]:
    """Show one base model. An alias is not listed, but is shown by its own name."""
    if openai_dialect.is_spoken(call.route, call.headers):
        return openai_models.shown(call.owner, model_id)
    model = catalogue.find(model_id)
    if model is None:
        raise NotFound(availability.not_found(model_id))
    if model_id not in NEXT_GENERATION:
        return _shown(call, model, model.name)
    answer = _shown(call, model, model_id)
    answer["supported_features"]["low_latency"] = True
    return answer


def _shown(call: Call, model: BaseModel, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "language": model.language,
        "rate": model.least_rate_hz,
        "url": f"{call.base_url}/v1/models/{name}",
        "supported_features": {
            "custom_language_model": model.newest_with("language_models") is not None,
            "custom_acoustic_model": model.newest_with("acoustic_models") is not None,
            "speaker_labels": model.speaker_labels,
        },
        "description": model.description,
    }
