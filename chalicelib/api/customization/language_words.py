"""`/v1/customizations/{customization_id}/words`: the words of custom language models."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http import bodies, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.customization import language_models, limits, uploads
from chalicelib.customization.errors import ModelBusy
from chalicelib.customization.language import custom_words, language_resources
from chalicelib.customization.language.custom_words import CustomWord
from chalicelib.customization.statuses import busy
from chalicelib.storage import objects

routes = Routes()

_WORDS = "/customizations/{customization_id}/words"
_WORD = "/customizations/{customization_id}/words/{word_name}"
_ORDERS = ("alphabetical", "count")
_FIELDS = frozenset(
    {
        *("word", "sounds_like", "display_as", "mapping_only"),
        # What a listing shows, which comes back when it is edited and sent again.
        *("count", "source", "pronunciation", "error"),
    }
)


@routes.route("POST", _WORDS)
def add_words(call: Call, customization_id: str) -> Answer:
    """Add a batch of words, all of them or, if one makes no sense, none; it is done afterwards."""
    body = bodies.read(call, limits.WORDS_BYTES)
    customer_id = bodies.customer_id(call, body)
    model = language_models.get(call.owner, customization_id)
    if busy(model):
        raise ModelBusy(customization_id)
    if body.pending:
        return Answer(204)
    document = parameters.json_object(body.open().read())
    batch = custom_words.batch_of(custom_words.read_batch(document))
    accepted = language_resources.accept_words(model, size_bytes=len(batch), customer_id=customer_id)
    with uploads.storing(language_resources.KIND, accepted) as key:
        objects.put(key.key, batch, "application/json")
    body.discard()
    fields = dict.fromkeys(field for word in document["words"] for field in word)
    return Answer(201, parameters.with_unknown_fields({}, fields, _FIELDS))


@routes.route("GET", _WORDS)
def list_words(call: Call, customization_id: str) -> dict[str, Any]:
    """List the words of a model, of all sources or of one kind."""
    word_type = parameters.text(call, "word_type") or custom_words.ALL
    if word_type not in custom_words.TYPES:
        raise BadRequest(
            f"Invalid value '{word_type}' for parameter 'word_type': "
            f"it must be one of {', '.join(custom_words.TYPES)}."
        )
    order, descending = _order(parameters.text(call, "sort") or "alphabetical")
    words = custom_words.of_model(language_models.get(call.owner, customization_id), word_type)
    listed = sorted(words.values(), key=lambda word: word.word, reverse=descending and order != "count")
    if order == "count":
        listed.sort(key=lambda word: -word.count if descending else word.count)
    return parameters.with_warning(
        call, {"words": [_shown(word) for word in listed]}, known={"word_type", "sort"}
    )


def _order(text: str) -> tuple[str, bool]:
    """Return what to sort by, and whether downwards."""
    # An unencoded plus sign of a query reads as a space.
    order = text.removeprefix("-").lstrip("+ ") if text[0] in "+- " else text
    if order not in _ORDERS:
        raise BadRequest(
            f"Invalid value '{text}' for parameter 'sort': it must be 'alphabetical' or 'count', "
            "with '+' or '-' before it or nothing."
        )
    return order, text.startswith("-")


@routes.route("PUT", _WORD)
def add_word(call: Call, customization_id: str, word_name: str) -> Answer:
    """Add or change one word at once."""
    customer_id = parameters.customer_id(call)
    model = language_models.get(call.owner, customization_id)
    fields = parameters.json_object(call.body)
    custom_words.put(model, custom_words.read(fields, word_name), customer_id)
    return Answer(201, parameters.with_unknown_fields({}, fields, _FIELDS))


@routes.route("GET", _WORD)
def get_word(call: Call, customization_id: str, word_name: str) -> dict[str, Any]:
    """Show one word."""
    word = custom_words.get(language_models.get(call.owner, customization_id), word_name)
    return parameters.with_warning(call, _shown(word))


@routes.route("DELETE", _WORD)
def delete_word(call: Call, customization_id: str, word_name: str) -> dict[str, Any]:
    """Remove one word; the base model's vocabulary stays as it is."""
    custom_words.remove(language_models.get(call.owner, customization_id), word_name)
    return {}


def _shown(word: CustomWord) -> dict[str, Any]:
    """Return Watson's object, with our `pronunciation`."""
    answer: dict[str, Any] = {
        "display_as": word.display_as,
        "sounds_like": word.sounds_like,
        "count": word.count,
        "source": word.source,
        "word": word.word,
        "pronunciation": word.pronunciations,
    }
    if word.error:
        answer["error"] = word.error
    return answer
