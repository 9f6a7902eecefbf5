"""Custom models of either kind as their owner handles them: made, found, listed, reset, deleted."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from chalicelib.customization import limits, statuses
from chalicelib.customization.errors import (
    MalformedId,
    ModelBusy,
    NotCustomizable,
    NotServed,
    TooManyModels,
    UnknownBaseModel,
    UnknownBaseVersion,
    UnknownCustomModel,
    UnsupportedLanguage,
)
from chalicelib.engines import availability, catalogue
from chalicelib.engines.catalogue import BASE_MODELS, KNOWN_MODELS, BaseModel
from chalicelib.engines.features import CUSTOM_MODELS, FeatureName
from chalicelib.storage import failures, layout, objects
from chalicelib.storage.conditional import MOST_TOGETHER, Action, ConditionFailed, Delete, Put, Update, write
from chalicelib.storage.rows import CustomModel
from chalicelib.storage.tables import AudioResource, LanguageModel, LanguageResource, UserWord

_log = logging.getLogger(__name__)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Model = TypeVar("Model", bound=CustomModel)


def now() -> datetime:
    """Return the present moment as rows keep it: UTC, whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def base_model(name: str, version: str | None = None) -> BaseModel:
    """Return the base model of that name or alias, which has that version, if one is given.

    Raises:
        UnknownBaseModel: there is no such base model.
        UnknownBaseVersion: the base model has no such version.
        NotServed: this installation does without its engine.
    """
    base = catalogue.find(name)
    if base is None:
        if (missing := availability.unlisted(name)) is not None:
            raise NotServed(missing)
        raise UnknownBaseModel(name)
    if version is not None and version not in base.version_names:
        check_served(version)
        raise UnknownBaseVersion(base.name, version, base.version_names)
    return base


def create(
    kind: type[Model],
    owner: str,
    base: BaseModel,
    *,
    name: str,
    description: str | None,
    version: str | None,
    **own: Any,
) -> Model:
    """Write the row of an empty model on a version of a base model; `own`: what only rows of that kind have.

    An alias of the base model is not kept: the row has the base model's own name.

    Raises:
        NotCustomizable: the base model, or that version of it, takes no custom model of that kind.
        NotServed: a version that takes one is not served here.
        TooManyModels: the owner has 1,024 models of that kind already.
    """
    needed = CUSTOM_MODELS[kind.kind]
    usable = base.versions_with(needed)
    if not usable and (missing := availability.without(base.name, needed)) is not None:
        raise NotServed(missing)
    if not usable or version not in (None, *usable):
        raise NotCustomizable(version or base.name, kind.kind, usable)
    moment = now()
    model = kind(
        owner,
        str(uuid.uuid4()),
        name=name,
        description=description,
        base_model_name=base.name,
        language=base.language,
        versions=[version or usable[-1]],
        created=moment,
        updated=moment,
        status=statuses.ModelStatus.PENDING,
        **own,
    )
    with suppress(ConditionFailed):  # of a new id: a try whose answer was lost did it
        write(Put(model, kind.customization_id.does_not_exist()))
    # Counting afterwards keeps the limit whoever else creates a model at this moment.
    if kind.count(owner, consistent_read=True) > limits.MODELS_PER_OWNER:
        write(Delete(model, kind.customization_id.exists()))
        raise TooManyModels(kind.kind, limits.MODELS_PER_OWNER)
    return model


def check_served(version: str, *features: FeatureName) -> None:
    """Refuse what needs a base version that this installation cannot load; see `availability.obstacle`.

    Raises:
        NotServed: it does without the engine of that version.
    """
    if (missing := availability.obstacle(version, *features)) is not None:
        raise NotServed(missing)


def check_loadable(model: CustomModel, version: str | None = None) -> None:
    """Refuse what needs the base version of a model, or another one that the model is to be on.

    Raises:
        NotServed: this installation does without the engine of that version.
    """
    check_served(version or model.versions[-1], CUSTOM_MODELS[model.kind])


def newest_version(model: CustomModel) -> str:
    """Return the newest served version of a model's base that takes its kind of model, else its own.

    It is never an older one than its own, on which an operator may have new models made.
    """
    own = model.versions[-1]
    base = BASE_MODELS.get(model.base_model_name)
    newest = None if base is None else base.newest_with(CUSTOM_MODELS[model.kind])
    if newest is None or base is None or base.is_newer(own, newest):
        return own
    return newest


def get(kind: type[Model], owner: str, customization_id: str) -> Model:
    """Return a model as it is at this moment.

    Raises:
        MalformedId: `customization_id` is not a GUID.
        UnknownCustomModel: this owner has no such model of that kind.
    """
    if not _GUID.fullmatch(customization_id):
        raise MalformedId(customization_id)
    model = find(kind, owner, customization_id)
    if model is None:
        raise UnknownCustomModel(customization_id)
    return model


def find(kind: type[Model], owner: str, customization_id: str) -> Model | None:
    """Return a model, or None when it is gone: what an event, which may come late, asks for."""
    try:
        return kind.get(owner, customization_id, consistent_read=True)
    except kind.DoesNotExist:
        return None


def models(kind: type[Model], owner: str, language: str | None = None) -> list[Model]:
    """Return the owner's models of a kind, oldest first, of one language or all.

    Raises:
        UnsupportedLanguage: no base model has that language.
    """
    if language is not None and language not in {base.language for base in KNOWN_MODELS.values()}:
        raise UnsupportedLanguage(language)
    found = kind.query(owner, consistent_read=True)
    return sorted(
        (model for model in found if language in (None, model.language)),
        key=lambda model: (model.created, model.customization_id),
    )


def reset(model: CustomModel, also: Sequence[Action] = ()) -> None:
    """Remove all resources and the trained state; keep the model's name and base.

    Raises:
        UnknownCustomModel: it is gone.
        ModelBusy: it handles another request.
    """
    until = Until(int(model.generation), int(model.run))
    _change_or_busy(model, statuses.reset(model, now(), also))
    _clear_away_now(model.owner, model.customization_id, until)


def delete(model: CustomModel) -> None:
    """Remove the model with everything that belongs to it.

    Raises:
        ModelBusy: it handles another request.
    """
    try:
        write(statuses.deleted(model))
    except ConditionFailed:
        # Gone: a try whose answer was lost did it, or somebody else. What it had is cleared away in any case.
        if find(type(model), model.owner, model.customization_id) is not None:
            raise ModelBusy(model.customization_id) from None
    if isinstance(model, LanguageModel) and model.data_version:
        # Words are no objects: should this be broken off, the reconciler finds the model by this one.
        objects.put(layout.deletion_key(model.owner, model.customization_id), b"")
    # Looking below each prefix costs as much as ten requests; the reconciler finds what came in between.
    if model.data_version or model.run:
        _clear_away_now(model.owner, model.customization_id)


def _change_or_busy(model: CustomModel, change: Update | Delete) -> None:
    try:
        write(change)
    except ConditionFailed:
        get(type(model), model.owner, model.customization_id)
        raise ModelBusy(model.customization_id) from None


@dataclass(frozen=True)
class Until:
    """How much of a model a reset takes away: resources up to a generation, runs up to a number."""

    generation: int
    run: int


def clear_away(owner: str, customization_id: str, until: Until | None = None) -> None:
    """Remove the rows and objects that a deleted model, or a reset (`until`), left. May be repeated."""
    # First what no object leads to: as long as there are objects, the reconciler finds the deleted model.
    _remove_words(customization_id, until)
    for kind, key in ((AudioResource, layout.AudioKey), (LanguageResource, layout.LanguageKey)):
        for resource in kind.query(customization_id, consistent_read=True):
            if until is None or resource.generation <= until.generation:
                upload = key(owner, customization_id, resource.resource_id, resource.upload_id)
                objects.delete(upload.key, upload.listing_key)
                # The same name may have been added anew meanwhile.
                with suppress(ConditionFailed):
                    write(Delete(resource, kind.upload_id == resource.upload_id))
    if until is None:
        for prefix in layout.prefixes_of_model(owner, customization_id):
            objects.delete_below(prefix)
    else:
        for prefix in (layout.TRAINING_PREFIX, layout.MODELS_PREFIX):
            runs = objects.keys(f"{prefix}{owner}/{customization_id}/")
            objects.delete(*(key for key in runs if layout.run_number(key) <= until.run))


def clear_former(model: CustomModel) -> None:
    """Remove what resets that were broken off have left of the model's former resources."""
    if model.generation:
        clear_away(model.owner, model.customization_id, Until(int(model.generation) - 1, run=0))


def _remove_words(customization_id: str, until: Until | None) -> None:
    """Remove a model's own words, of which there may be tens of thousands, in few requests."""
    words = UserWord.query(customization_id, consistent_read=True)
    if until is None:
        with UserWord.batch_write() as batch:
            for word in words:
                batch.delete(word)
        return
    stale = [
        Delete(word, UserWord.generation == word.generation)
        for word in words
        if word.generation <= until.generation
    ]
    for start in range(0, len(stale), MOST_TOGETHER):
        together = stale[start : start + MOST_TOGETHER]
        try:
            write(*together)
        except ConditionFailed:  # one of them has been added anew meanwhile, and stays
            for deletion in together:
                with suppress(ConditionFailed):
                    write(deletion)


def _clear_away_now(owner: str, customization_id: str, until: Until | None = None) -> None:
    """Clear away if the store lets us; for the model's user it is gone in any case."""
    try:
        clear_away(owner, customization_id, until)
    except failures.FAILURES:
        _log.warning("could not clear away all of %s", customization_id, exc_info=True)
