"""`/v1/customizations/{customization_id}/grammars`: the grammars of custom language models."""

from __future__ import annotations

from typing import Any

from chalicelib.api.customization.language_corpora import shown
from chalicelib.api.http import bodies, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import ApiError, BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.customization import language_models, limits, uploads
from chalicelib.customization.language import language_resources
from chalicelib.customization.language.language_resources import GRAMMAR

routes = Routes()

_GRAMMARS = "/customizations/{customization_id}/grammars"
_GRAMMAR = "/customizations/{customization_id}/grammars/{grammar_name}"
_ABNF, _XML = "application/srgs", "application/srgs+xml"


@routes.route("POST", _GRAMMAR)
def add_grammar(call: Call, customization_id: str, grammar_name: str) -> Answer:
    """Take in an SRGS grammar; it is compiled afterwards."""
    body = bodies.read(call, limits.GRAMMAR_BYTES)
    allow_overwrite = parameters.boolean(call, "allow_overwrite", default=False)
    customer_id = bodies.customer_id(call, body)
    content_type = (body.content_type or "").partition(";")[0].strip().lower()
    if content_type not in (_ABNF, _XML):
        raise ApiError(
            415,
            f"Unsupported mimetype '{content_type}' of a grammar: send ABNF as '{_ABNF}' or XML as '{_XML}'.",
        )
    model = language_models.get(call.owner, customization_id)
    language_resources.check_acceptable(model, GRAMMAR, grammar_name, allow_overwrite=allow_overwrite)
    if body.pending:
        return Answer(204)
    if not body.size_bytes:
        raise BadRequest("Grammar file not specified or empty")
    accepted = language_resources.accept(
        model,
        GRAMMAR,
        grammar_name,
        content_type=content_type,
        size_bytes=body.size_bytes,
        customer_id=customer_id,
        allow_overwrite=allow_overwrite,
    )
    with uploads.storing(language_resources.KIND, accepted) as key:
        body.store(key.key)
    body.discard()
    return Answer(201, {})


@routes.route("GET", _GRAMMARS)
def list_grammars(call: Call, customization_id: str) -> dict[str, Any]:
    """List the grammars of a model, in the order in which they were added."""
    model = language_models.get(call.owner, customization_id)
    grammars = [shown(row) for row in language_resources.of_model(model, GRAMMAR)]
    return parameters.with_warning(call, {"grammars": grammars})


@routes.route("GET", _GRAMMAR)
def get_grammar(call: Call, customization_id: str, grammar_name: str) -> dict[str, Any]:
    """Show one grammar."""
    model = language_models.get(call.owner, customization_id)
    return parameters.with_warning(call, shown(language_resources.get(model, GRAMMAR, grammar_name)))


@routes.route("DELETE", _GRAMMAR)
def delete_grammar(call: Call, customization_id: str, grammar_name: str) -> dict[str, Any]:
    """Remove a grammar with its words."""
    language_resources.remove(language_models.get(call.owner, customization_id), GRAMMAR, grammar_name)
    return {}
