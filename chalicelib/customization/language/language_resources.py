"""Corpora, grammars and batches of words of a custom language model: take in, judge, replace, remove."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.customization import statuses, uploads
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import BadName, ModelBusy, NameTaken, ResourceExists, UnknownResource
from chalicelib.customization.language import language_words
from chalicelib.customization.uploads import BEING_PROCESSED
from chalicelib.storage import layout, objects
from chalicelib.storage.conditional import Delete
from chalicelib.storage.rows import UploadedResource
from chalicelib.storage.tables import LanguageModel, LanguageResource

CORPUS = "corpus"
GRAMMAR = "grammar"
WORDS = "words"
ANALYZED = "analyzed"
UNDETERMINED = "undetermined"
_RESERVED_NAMES = frozenset({"user", "base_lm", "default_lm"})

Accepted = uploads.Accepted[LanguageResource]


@dataclass(frozen=True)
class TextAnalysis:
    """What the analysis of a corpus or a grammar has found."""

    total_words: int = 0
    oov: Mapping[str, FoundWord] | None = None
    """The words that the base vocabulary lacks; None: it could not be read."""
    error: str | None = None
    """Why it could not be read, with the line that broke it."""


@dataclass(frozen=True)
class FoundWord:
    """A word of a corpus or a grammar that the base vocabulary lacks."""

    count: int
    pronunciations: tuple[str, ...]
    """Phones separated by spaces, likeliest first; empty when nothing can be said."""


def _any_other_valid(model: LanguageModel, resource_id: str | None) -> bool:
    others = (row for row in of_model(model) if row.name_id != resource_id)
    return any(row.status == ANALYZED for row in others) or language_words.any_valid(model)


KIND = uploads.UploadKind(
    model=LanguageModel,
    resource=LanguageResource,
    key=layout.LanguageKey,
    accepted=statuses.LANGUAGE_ACCEPTED,
    removed=statuses.LANGUAGE_CHANGED,
    ok=ANALYZED,
    any_other_valid=_any_other_valid,
)


def of_model(model: LanguageModel, kind: str | None = None) -> list[LanguageResource]:
    """Return the resources of a model, of one kind or all, in the order in which they were added."""
    return [row for row in uploads.of_model(KIND, model) if kind in (None, row.kind)]


def get(model: LanguageModel, kind: str, name: str) -> LanguageResource:
    """Return one corpus or grammar.

    Raises:
        UnknownResource: the model has none of that name.
    """
    row = uploads.find(KIND, model, layout.resource_id(name))
    if row is None or row.kind != kind:
        raise UnknownResource(kind, name)
    return row


def grammar_kind(row: LanguageResource) -> Literal["abnf", "xml"]:
    """Return how a grammar is written."""
    return "xml" if row.content_type == "application/srgs+xml" else "abnf"


def words_of(row: LanguageResource) -> dict[str, FoundWord]:
    """Return the out-of-vocabulary words that the analysis of a corpus or grammar has found."""
    if row.status != ANALYZED:
        return {}
    try:
        listing: Any = json.loads(objects.get(KIND.key_of(row).listing_key))
    except objects.ObjectNotFound:
        return {}
    return {word: FoundWord(count, tuple(phones)) for word, (count, phones) in listing["words"].items()}


def store_words(key: layout.UploadKey, words: Mapping[str, FoundWord]) -> None:
    """Keep what `words_of` returns once the analysis has ended."""
    listing = {"words": {word: (found.count, found.pronunciations) for word, found in words.items()}}
    objects.put(key.listing_key, json.dumps(listing, ensure_ascii=False).encode(), "application/json")


def check_acceptable(
    model: LanguageModel, kind: str, name: str, *, allow_overwrite: bool
) -> LanguageResource | None:
    """Tell whether the model takes a corpus or grammar of that name now; returns the one it would replace.

    Raises:
        BadName: the name is empty, longer than 128 characters, or reserved.
        ModelBusy: the model handles another request.
        NameTaken: a corpus has the name that is meant for a grammar, or the other way round.
        ResourceExists: there is one already, and `allow_overwrite` is False.
    """
    uploads.check_name(kind, name)
    if name in _RESERVED_NAMES:
        raise BadName(kind, name, "it is reserved")
    if not statuses.allowed(model, statuses.LANGUAGE_ACCEPTED):
        raise ModelBusy(model.customization_id)
    existing = uploads.find(KIND, model, layout.resource_id(name))
    if existing is not None and existing.kind != kind:
        raise NameTaken(kind, name, existing.kind)
    if existing is not None and not allow_overwrite:
        raise ResourceExists(kind, name)
    return existing


def accept(
    model: LanguageModel,
    kind: str,
    name: str,
    *,
    content_type: str | None = None,
    size_bytes: int,
    customer_id: str | None = None,
    allow_overwrite: bool = False,
) -> Accepted:
    """Write the row of a corpus or grammar; the model waits for its analysis.

    The object must follow, else `withdraw`.

    Raises:
        BadName, Busy, NameTaken, ResourceExists: see `check_acceptable`.
    """

    def judge(model: LanguageModel) -> LanguageResource | None:
        return check_acceptable(model, kind, name, allow_overwrite=allow_overwrite)

    def make(model: LanguageModel, moment: datetime) -> LanguageResource:
        row = _new(model, kind, name, layout.resource_id(name), moment)
        row.content_type, row.size_bytes, row.customer_id = content_type, size_bytes, customer_id
        return row

    return uploads.accept(KIND, model, judge, make)


def accept_words(model: LanguageModel, *, size_bytes: int, customer_id: str | None = None) -> Accepted:
    """Write the row of a batch of words; the model waits until they are in. The object must follow.

    Raises:
        ModelBusy: the model handles another request.
    """

    def judge(model: LanguageModel) -> LanguageResource | None:
        if not statuses.allowed(model, statuses.LANGUAGE_ACCEPTED):
            raise ModelBusy(model.customization_id)
        return None

    def make(model: LanguageModel, moment: datetime) -> LanguageResource:
        row = _new(model, WORDS, WORDS, WORDS, moment)
        row.size_bytes, row.customer_id = size_bytes, customer_id
        return row

    return uploads.accept(KIND, model, judge, make)


def _new(model: LanguageModel, kind: str, name: str, name_id: str, moment: datetime) -> LanguageResource:
    return LanguageResource(
        model.customization_id,
        name_id,
        owner=model.owner,
        name=name,
        kind=kind,
        generation=int(model.generation),
        upload_id=uuid.uuid4().hex,
        status=BEING_PROCESSED,
        created=moment,
        updated=moment,
    )


def withdraw(accepted: Accepted) -> None:
    """Take an upload back whose object could not be stored: what it replaced is there again."""
    uploads.withdraw(KIND, accepted)


def stored(accepted: Accepted) -> None:
    """The upload's object is there: what it replaced can go."""
    uploads.stored(KIND, accepted)


def analysis_finished(key: layout.UploadKey, analysis: TextAnalysis) -> bool:
    """Record what the analysis of a corpus or grammar found; its words are stored already.

    May be called twice, late, or for uploads that were replaced or removed meanwhile: it then returns False.
    """
    row = uploads.being_analysed(KIND, key)
    if row is None:
        return False
    valid = analysis.oov is not None
    actions = [
        UploadedResource.status.set(ANALYZED if valid else UNDETERMINED),
        LanguageResource.total_words.set(analysis.total_words),
        LanguageResource.out_of_vocabulary_words.set(len(analysis.oov or ())),
        UploadedResource.updated.set(now()),
        UploadedResource.error.remove() if analysis.error is None else _error(row, analysis.error),
    ]
    does_not_compile = None
    if row.kind == GRAMMAR and not valid:
        does_not_compile = json.dumps(
            {
                "code": 500,
                "code_description": "Internal Server Error",
                "error": f"Cannot compile grammar '{row.name}'. {analysis.error}",
            }
        )
    return uploads.end(KIND, row, uploads.judged(row, actions), valid, does_not_compile)


def _error(row: LanguageResource, reason: str) -> Any:
    way_out = "fixing the error or adding the grammar" if row.kind == GRAMMAR else "adding the corpus"
    return UploadedResource.error.set(
        f"Analysis of {row.kind} '{row.name}' failed. Please try {way_out} again by setting the "
        f"'allow_overwrite' flag to 'true'. {reason}"
    )


def words_finished(key: layout.UploadKey, error: str | None = None) -> bool:
    """End a batch of words, which are in (or, with an `error` for the model's user, are not).

    May be called twice or late: it then returns False.
    """
    row = uploads.being_analysed(KIND, key)
    if row is None:
        return False
    ended = Delete(row, UploadedResource.upload_id == row.upload_id)
    return uploads.end(KIND, row, ended, valid=False, error=error)


def remove(model: LanguageModel, kind: str, name: str) -> None:
    """Remove a corpus or grammar, with its words unless another one holds them or the user added them.

    Raises:
        ModelBusy: the model handles another request.
        UnknownResource: the model has none of that name.
    """
    uploads.remove(KIND, model, lambda current: get(current, kind, name))
