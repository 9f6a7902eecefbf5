"""The model of a live connection, with its files on this machine."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.engines.protocol import CustomModels
from chalicelib.recognition import adapted_models
from chalicelib.recognition.models import ServingModel


@dataclass(frozen=True)
class LiveModel:
    """What recognises, with its files on this machine."""

    base_version: str
    custom: CustomModels
    warnings: tuple[str, ...] = ()


def fetched(model: ServingModel) -> LiveModel:
    """Return a model with its files, which are fetched if they are not here yet.

    Raises:
        engines.errors.ModelUnreadable: a custom model is gone, or damaged.
    """
    adapted = model.adapted_model
    file = None if adapted is None else adapted_models.local_file(adapted, adapted_models.cache_folder())
    return LiveModel(model.base_version, CustomModels(adapted_model=file), model.warnings)
