"""Which base version and which adapted model serve a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.engines import catalogue
from chalicelib.engines.catalogue import BaseModel
from chalicelib.recognition.options import Options
from chalicelib.storage.layout import adapted_model_key
from chalicelib.storage.tables import AcousticModel

OLDER_BASE_VERSION = (
    "Using previous version of base model, because your custom model has been built with it. "
    "Please note that this version will be supported only for a limited time. "
    "Consider upgrading your custom model to the newest version of the base model and training it again."
)
BASE_VERSION_GONE = (
    "Using non-customized default base model, because your custom acoustic model has been built with "
    "a version of the base model that is no longer supported."
)


class UnknownModel(LookupError):
    """No base model of that name is served."""

    def __init__(self, model: str) -> None:
        super().__init__(f"Model {model} not found")


class UnknownCustomization(LookupError):
    """The owner has no custom model with that id."""

    def __init__(self, customization_id: str) -> None:
        super().__init__(f"Invalid customization_id '{customization_id}' for user")


class NotAvailable(Exception):
    """The custom model was never trained (or was reset since)."""

    def __init__(self) -> None:
        super().__init__(
            "Requested custom acoustic model is not available. Please make sure the custom model is trained."
        )


class WrongBase(ValueError):
    """The base model or base version asked for is not one that the request's custom model (or model) has."""


@dataclass(frozen=True)
class AdaptedModel:
    """A promoted `model.tar.gz` in the bucket."""

    key: str
    sha256: str
    """Hex digest of the archive."""


@dataclass(frozen=True)
class ServingModel:
    """What recognises, and what the user should know about it."""

    base_version: str
    adapted_model: AdaptedModel | None
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads; all of it is JSON."""
        return dataclasses.asdict(self) | {"warnings": list(self.warnings)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        adapted = values["adapted_model"]
        return cls(
            base_version=values["base_version"],
            adapted_model=None if adapted is None else AdaptedModel(**adapted),
            warnings=tuple(values["warnings"]),
        )


def choose(owner: str, options: Options) -> ServingModel:
    """Return what serves a request of `owner`.

    A custom model is served by its last promoted training run, whatever it is doing now: retraining,
    failed, or holding audio that it has not learned from yet.

    Raises:
        UnknownModel: no such base model.
        UnknownCustomization: a custom model that is not there, or belongs to somebody else.
        NotAvailable: the custom model was never trained.
        WrongBase: the custom model is built on another base model, or has no such version.
    """
    base = catalogue.find(options.model)
    if base is None:
        raise UnknownModel(options.model)
    if options.language_customization_id is not None:
        # No custom language model is kept by this service, so nobody has this one.
        raise UnknownCustomization(options.language_customization_id)
    if options.acoustic_customization_id is not None:
        return _custom(owner, base, options.acoustic_customization_id, options.base_model_version)
    version = options.base_model_version or base.newest_version
    if version not in base.versions:
        raise WrongBase(
            f"Base model version '{version}' not found: {base.name} has {', '.join(base.versions)}"
        )
    return ServingModel(version, None)


def _custom(owner: str, base: BaseModel, customization_id: str, wanted_version: str | None) -> ServingModel:
    try:
        row = AcousticModel.get(owner, customization_id, consistent_read=True)
    except AcousticModel.DoesNotExist:
        raise UnknownCustomization(customization_id) from None
    if row.base_model_name != base.name:
        raise WrongBase(
            f"Custom acoustic model '{customization_id}' is built on {row.base_model_name}, "
            f"not on {base.name}: add model={row.base_model_name} to the request"
        )
    if row.promoted_run is None or row.promoted_version is None or row.promoted_sha256 is None:
        raise NotAvailable
    version = row.promoted_version
    if wanted_version not in (None, version):
        raise WrongBase(
            f"Custom acoustic model '{customization_id}' cannot be used with base model version "
            f"'{wanted_version}': it is trained on '{version}'"
        )
    if version not in base.versions:
        return ServingModel(base.newest_version, None, (BASE_VERSION_GONE,))
    adapted_model = AdaptedModel(
        adapted_model_key(owner, customization_id, int(row.promoted_run)), row.promoted_sha256
    )
    warnings = () if version == base.newest_version else (OLDER_BASE_VERSION,)
    return ServingModel(version, adapted_model, warnings)
