"""Custom acoustic models as their owner handles them: make, find, list, reset, delete."""

from __future__ import annotations

from chalicelib.customization import custom_models
from chalicelib.storage.tables import AcousticModel


def create(
    owner: str,
    *,
    name: str,
    base_model_name: str,
    description: str | None = None,
    base_model_version: str | None = None,
    retrain_after_minutes: float | None = None,
    callback_url: str | None = None,
) -> AcousticModel:
    """Make an empty model on a version of a base model, the newest one if none is given.

    `callback_url`, which is registered, is told of the end of every run that has none of its own.

    Raises:
        UnknownBaseModel, UnknownBaseVersion: see `custom_models.base_model`.
        NotCustomizable: see `custom_models.create`.
        TooManyModels: the owner has 1,024 models already.
    """
    return custom_models.create(
        AcousticModel,
        owner,
        custom_models.base_model(base_model_name, base_model_version),
        name=name,
        description=description,
        version=base_model_version,
        retrain_after_minutes=retrain_after_minutes,
        callback_url=callback_url,
    )


def get(owner: str, customization_id: str) -> AcousticModel:
    """Return a model as it is at this moment.

    Raises:
        MalformedId, UnknownModel: see `custom_models.get`.
    """
    return custom_models.get(AcousticModel, owner, customization_id)


def find(owner: str, customization_id: str) -> AcousticModel | None:
    """Return a model, or None when it is gone."""
    return custom_models.find(AcousticModel, owner, customization_id)


def models(owner: str, language: str | None = None) -> list[AcousticModel]:
    """Return the owner's models, oldest first, of one language or all.

    Raises:
        UnsupportedLanguage: no base model has that language.
    """
    return custom_models.models(AcousticModel, owner, language)


def reset(owner: str, customization_id: str) -> None:
    """Remove all audio and the trained state; keep the model's name and base.

    Raises:
        MalformedId, UnknownModel, Busy: see `custom_models`.
    """
    custom_models.reset(
        get(owner, customization_id),
        also=[
            AcousticModel.reported_run.remove(),
            AcousticModel.kept.remove(),
            AcousticModel.removed_at.remove(),
            AcousticModel.trained_helper.remove(),
            AcousticModel.trained_helper_run.remove(),
        ],
    )


def delete(owner: str, customization_id: str) -> None:
    """Remove the model with everything that belongs to it.

    Raises:
        MalformedId, UnknownModel, Busy: see `custom_models`.
    """
    custom_models.delete(get(owner, customization_id))
