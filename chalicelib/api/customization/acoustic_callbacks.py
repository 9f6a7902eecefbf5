"""`/v1/acoustic_customizations/{customization_id}/callback`: the URL that is called when a model changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.api import callbacks
from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.callbacks import exchange
from chalicelib.customization import acoustic_models, training_ends
from chalicelib.customization.acoustic import model_callbacks
from chalicelib.customization.training_ends import TrainingEvent

routes = Routes()

_CALLBACK = "/acoustic_customizations/{customization_id}/callback"


@routes.route("PUT", _CALLBACK)
def set_model_callback(call: Call, customization_id: str) -> dict[str, Any]:
    """Set the URL that is called; without `events` it is called for all ends of trainings."""
    model = acoustic_models.get(call.owner, customization_id)
    fields = parameters.json_object(call.body)
    url = parameters.required_text(fields, "callback_url", exchange.LONGEST_URL)
    events = _events(fields.get("events"))
    callbacks.registered(call, url)
    model_callbacks.set_callback(model, url, events)
    return parameters.with_unknown_fields(_shown(url, events), fields, ("callback_url", "events"))


@routes.route("GET", _CALLBACK)
def get_model_callback(call: Call, customization_id: str) -> dict[str, Any]:
    """Show which URL is called, and for which events."""
    model, url = model_callbacks.url_of(call.owner, customization_id)
    return _shown(url, training_ends.wanted_by_callback(model))


@routes.route("DELETE", _CALLBACK)
def delete_model_callback(call: Call, customization_id: str) -> dict[str, Any]:
    """Remove the callback; nobody is called any more."""
    model_callbacks.remove(acoustic_models.get(call.owner, customization_id))
    return {}


def _shown(url: str, events: Sequence[TrainingEvent]) -> dict[str, Any]:
    return {"callback_url": url, "events": [str(event) for event in events]}


def _events(given: object) -> tuple[TrainingEvent, ...]:
    if given is None:
        return training_ends.OF_RUNS
    known = [str(event) for event in TrainingEvent]
    if not isinstance(given, list) or not given or not all(name in known for name in given):
        raise BadRequest(
            f"Invalid value for parameter 'events': it must be an array of one or more of {', '.join(known)}."
        )
    return tuple(event for event in TrainingEvent if event in given)
