"""Custom language models as their owner handles them: make, find, list, reset, delete."""

from __future__ import annotations

from chalicelib.customization import custom_models
from chalicelib.customization.errors import WrongDialect
from chalicelib.storage.tables import LanguageModel

_SPANISH_DIALECTS = {
    "es-ES": "es-ES",
    "es-AR": "es-LA",
    "es-CL": "es-LA",
    "es-CO": "es-LA",
    "es-PE": "es-LA",
    "es-MX": "es-US",
}
"""Dialect of a model by its base model's language; elsewhere they are the same."""


def dialect_of(language: str, asked_for: str | None = None) -> str:
    """Return the dialect of a model on a base model of that language.

    Raises:
        WrongDialect: another one was asked for.
    """
    dialect = _SPANISH_DIALECTS.get(language, language)
    if asked_for is not None and asked_for.lower() != dialect.lower():
        raise WrongDialect(asked_for, language, dialect)
    return dialect


def create(
    owner: str,
    *,
    name: str,
    base_model_name: str,
    dialect: str | None = None,
    description: str | None = None,
    base_model_version: str | None = None,
) -> LanguageModel:
    """Make an empty model on a version of a base model, the newest one if none is given.

    Raises:
        UnknownBaseModel, UnknownBaseVersion: see `custom_models.base_model`.
        NotCustomizable: see `custom_models.create`.
        WrongDialect: the dialect is not that of the base model.
        TooManyModels: the owner has 1,024 models already.
    """
    base = custom_models.base_model(base_model_name, base_model_version)
    return custom_models.create(
        LanguageModel,
        owner,
        base,
        name=name,
        description=description,
        version=base_model_version,
        dialect=dialect_of(base.language, dialect),
    )


def get(owner: str, customization_id: str) -> LanguageModel:
    """Return a model as it is at this moment.

    Raises:
        MalformedId, UnknownModel: see `custom_models.get`.
    """
    return custom_models.get(LanguageModel, owner, customization_id)


def find(owner: str, customization_id: str) -> LanguageModel | None:
    """Return a model, or None when it is gone."""
    return custom_models.find(LanguageModel, owner, customization_id)


def models(owner: str, language: str | None = None) -> list[LanguageModel]:
    """Return the owner's models, oldest first, of one language or all.

    Raises:
        UnsupportedLanguage: no base model has that language.
    """
    return custom_models.models(LanguageModel, owner, language)


def reset(owner: str, customization_id: str) -> None:
    """Remove all corpora, grammars and words, and the trained state; keep the model's name and base.

    Raises:
        MalformedId, UnknownModel, Busy: see `custom_models`.
    """
    custom_models.reset(
        get(owner, customization_id),
        also=[
            LanguageModel.customization_weight.remove(),
            LanguageModel.trained_grammars.remove(),
            LanguageModel.older_grammars.remove(),
            LanguageModel.large_grammars.remove(),
        ],
    )


def delete(owner: str, customization_id: str) -> None:
    """Remove the model with everything that belongs to it.

    Raises:
        MalformedId, UnknownModel, Busy: see `custom_models`.
    """
    custom_models.delete(get(owner, customization_id))
