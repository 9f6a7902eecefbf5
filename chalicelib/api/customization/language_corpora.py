"""`/v1/customizations/{customization_id}/corpora`: the corpora of custom language models."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.api.http import bodies, parameters
from chalicelib.api.http.bodies import UploadBody
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.customization import language_models, limits, uploads
from chalicelib.customization.language import language_resources
from chalicelib.customization.language.language_resources import CORPUS
from chalicelib.recognition.request import forms
from chalicelib.storage import objects, scratch
from chalicelib.storage.tables import LanguageResource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

routes = Routes()

_CORPORA = "/customizations/{customization_id}/corpora"
_CORPUS = "/customizations/{customization_id}/corpora/{corpus_name}"
_PART = "corpus_file"


@routes.route("POST", _CORPUS)
def add_corpus(call: Call, customization_id: str, corpus_name: str) -> Answer:
    """Take in a text, by itself or as the part `corpus_file` of a form; it is analysed afterwards."""
    body = bodies.read(call, limits.CORPUS_BYTES)
    allow_overwrite = parameters.boolean(call, "allow_overwrite", default=False)
    customer_id = bodies.customer_id(call, body)
    model = language_models.get(call.owner, customization_id)
    language_resources.check_acceptable(model, CORPUS, corpus_name, allow_overwrite=allow_overwrite)
    boundary = forms.boundary_of(body.content_type)
    if body.pending:
        return Answer(204)
    with _text(body, boundary) as (size_bytes, store):
        if not size_bytes:
            raise BadRequest("Corpus file not specified or empty")
        accepted = language_resources.accept(
            model,
            CORPUS,
            corpus_name,
            size_bytes=size_bytes,
            customer_id=customer_id,
            allow_overwrite=allow_overwrite,
        )
        with uploads.storing(language_resources.KIND, accepted) as key:
            store(key.key)
    body.discard()
    return Answer(201, {})


@contextmanager
def _text(body: UploadBody, boundary: str | None) -> Iterator[tuple[int, Callable[[str], None]]]:
    """Yield how long the corpus is, and what stores it under a key."""
    if boundary is None:
        yield body.size_bytes, body.store
        return
    with scratch.folder() as folder:
        path = Path(folder, "corpus")
        with path.open("wb") as file, body.open() as form:
            part = forms.extract(form, boundary, _PART, file)
        if part is None:
            raise BadRequest("Corpus file not specified or empty")
        if part.filename is None:
            path.write_bytes(_of_string(path.read_bytes()))
        yield path.stat().st_size, lambda key: objects.upload(path, key)


def _of_string(content: bytes) -> bytes:
    """Return the text of a part without a file name.

    Given a string, IBM's Node SDK sends the JSON `{"data": …, "contentType": …}` instead of it.
    """
    if not content.startswith(b'{"data":'):
        return content
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if isinstance(value, dict) and value.keys() <= {"data", "contentType"} and isinstance(value["data"], str):
        return value["data"].encode("utf-8", "surrogatepass")
    return content


@routes.route("GET", _CORPORA)
def list_corpora(call: Call, customization_id: str) -> dict[str, Any]:
    """List the corpora of a model, in the order in which they were added."""
    model = language_models.get(call.owner, customization_id)
    corpora = [shown(row) for row in language_resources.of_model(model, CORPUS)]
    return parameters.with_warning(call, {"corpora": corpora})


@routes.route("GET", _CORPUS)
def get_corpus(call: Call, customization_id: str, corpus_name: str) -> dict[str, Any]:
    """Show one corpus."""
    model = language_models.get(call.owner, customization_id)
    return parameters.with_warning(call, shown(language_resources.get(model, CORPUS, corpus_name)))


@routes.route("DELETE", _CORPUS)
def delete_corpus(call: Call, customization_id: str, corpus_name: str) -> dict[str, Any]:
    """Remove a corpus with its words."""
    language_resources.remove(language_models.get(call.owner, customization_id), CORPUS, corpus_name)
    return {}


def shown(row: LanguageResource) -> dict[str, Any]:
    """Return Watson's object of a corpus or, without the count of all words, of a grammar."""
    answer: dict[str, Any] = {"out_of_vocabulary_words": int(row.out_of_vocabulary_words)}
    if row.kind == CORPUS:
        answer["total_words"] = int(row.total_words)
    answer |= {"name": row.name, "status": row.status}
    if row.error:
        answer["error"] = row.error
    return answer
