"""Custom acoustic models as their owner handles them: make, find, list, upgrade, reset, delete."""

from __future__ import annotations

import logging
import re
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

from chalicelib.customization import acoustic_statuses as statuses
from chalicelib.customization import limits
from chalicelib.customization.errors import (
    Busy,
    MalformedId,
    TooManyModels,
    UnknownBaseModel,
    UnknownBaseVersion,
    UnknownModel,
    UnsupportedLanguage,
)
from chalicelib.engines import catalogue
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.storage import failures, layout, objects
from chalicelib.storage.conditional import ConditionFailed, Delete, Put, Update, write
from chalicelib.storage.tables import AcousticModel, AudioResource

_log = logging.getLogger(__name__)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def now() -> datetime:
    """Return the present moment as rows keep it: UTC, whole milliseconds."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def create(
    owner: str,
    *,
    name: str,
    base_model_name: str,
    description: str | None = None,
    base_model_version: str | None = None,
    retrain_after_minutes: float | None = None,
) -> AcousticModel:
    """Make an empty model on a version of a base model, the newest one if none is given.

    An alias of the base model is not kept: the row has the base model's own name.

    Raises:
        UnknownBaseModel: there is no such base model.
        UnknownBaseVersion: the base model has no such version.
        TooManyModels: the owner has 1,024 models already.
    """
    base = catalogue.find(base_model_name)
    if base is None:
        raise UnknownBaseModel(base_model_name)
    if base_model_version is not None and base_model_version not in base.versions:
        raise UnknownBaseVersion(base.name, base_model_version, base.versions)
    moment = now()
    model = AcousticModel(
        owner,
        str(uuid.uuid4()),
        name=name,
        description=description,
        base_model_name=base.name,
        language=base.language,
        versions=[base_model_version or base.newest_version],
        created=moment,
        updated=moment,
        status=statuses.Status.PENDING,
        retrain_after_minutes=retrain_after_minutes,
    )
    write(Put(model, AcousticModel.customization_id.does_not_exist()))
    # Counting afterwards keeps the limit whoever else creates a model at this moment.
    if AcousticModel.count(owner, consistent_read=True) > limits.MODELS_PER_OWNER:
        write(Delete(model, AcousticModel.customization_id.exists()))
        raise TooManyModels(limits.MODELS_PER_OWNER)
    return model


def get(owner: str, customization_id: str) -> AcousticModel:
    """Return a model as it is at this moment.

    Raises:
        MalformedId: `customization_id` is not a GUID.
        UnknownModel: this owner has no such model.
    """
    if not _GUID.fullmatch(customization_id):
        raise MalformedId(customization_id)
    try:
        return AcousticModel.get(owner, customization_id, consistent_read=True)
    except AcousticModel.DoesNotExist:
        raise UnknownModel(customization_id) from None


def refuse_id(customization_id: str) -> NoReturn:
    """Refuse the id of a model that cannot exist.

    Raises:
        MalformedId: it is not a GUID.
        UnknownModel: it is one.
    """
    if not _GUID.fullmatch(customization_id):
        raise MalformedId(customization_id)
    raise UnknownModel(customization_id)


def find(owner: str, customization_id: str) -> AcousticModel | None:
    """Return a model, or None when it is gone: what an event, which may come late, asks for."""
    try:
        return AcousticModel.get(owner, customization_id, consistent_read=True)
    except AcousticModel.DoesNotExist:
        return None


def models(owner: str, language: str | None = None) -> list[AcousticModel]:
    """Return the owner's models, oldest first, of one language or all.

    Raises:
        UnsupportedLanguage: no base model has that language.
    """
    if language is not None and language not in {base.language for base in BASE_MODELS.values()}:
        raise UnsupportedLanguage(language)
    found = AcousticModel.query(owner, consistent_read=True)
    return sorted(
        (model for model in found if language in (None, model.language)),
        key=lambda model: (model.created, model.customization_id),
    )


def reset(owner: str, customization_id: str) -> None:
    """Remove all audio and the trained state; keep the model's name and base.

    Raises:
        MalformedId, UnknownModel: see `get`.
        Busy: the model handles another request.
    """
    model = get(owner, customization_id)
    until = Until(int(model.generation), int(model.run))
    _change_or_busy(model, statuses.reset(model, now()))
    _clear_away_now(owner, customization_id, until)


def delete(owner: str, customization_id: str) -> None:
    """Remove the model with everything that belongs to it.

    Raises:
        MalformedId, UnknownModel: see `get`.
        Busy: the model handles another request.
    """
    model = get(owner, customization_id)
    _change_or_busy(model, statuses.deleted(model))
    _clear_away_now(owner, customization_id)


def _change_or_busy(model: AcousticModel, change: Update | Delete) -> None:
    try:
        write(change)
    except ConditionFailed:
        get(model.owner, model.customization_id)
        raise Busy(model.customization_id) from None


@dataclass(frozen=True)
class Until:
    """How much of a model a reset takes away: audio up to a generation, runs up to a number."""

    generation: int
    run: int


def clear_away(owner: str, customization_id: str, until: Until | None = None) -> None:
    """Remove the rows and objects that a deleted model, or a reset (`until`), left. May be repeated."""
    for audio in AudioResource.query(customization_id, consistent_read=True):
        if until is None or audio.generation <= until.generation:
            key = layout.AudioKey(owner, customization_id, audio.audio_id, audio.upload_id)
            objects.delete(key.key, key.listing_key)
            # The same name may have been added anew meanwhile.
            with suppress(ConditionFailed):
                write(Delete(audio, AudioResource.upload_id == audio.upload_id))
    if until is None:
        for prefix in layout.prefixes_of_model(owner, customization_id):
            objects.delete_below(prefix)
    else:
        for prefix in (layout.TRAINING_PREFIX, layout.MODELS_PREFIX):
            runs = objects.keys(f"{prefix}{owner}/{customization_id}/")
            objects.delete(*(key for key in runs if layout.run_number(key) <= until.run))


def _clear_away_now(owner: str, customization_id: str, until: Until | None = None) -> None:
    """Clear away if the store lets us; for the model's user it is gone in any case."""
    try:
        clear_away(owner, customization_id, until)
    except failures.FAILURES:
        _log.warning("could not clear away all of %s", customization_id, exc_info=True)
