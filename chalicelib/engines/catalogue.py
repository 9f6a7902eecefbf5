"""The base models that are really served, with their versions. Imports no engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BaseModel:
    """A row of the catalogue: what `GET /v1/models` shows and what an engine loads."""

    name: str
    language: str
    rate_hz: int
    """Lowest sampling rate that the model accepts; also the rate its recogniser takes."""
    description: str
    versions: tuple[str, ...]
    """Full version strings, oldest first."""
    engine: str
    custom_language_model: bool = True
    speaker_labels: bool = True

    @property
    def newest_version(self) -> str:
        """The version that a new custom model starts from."""
        return self.versions[-1]


_BASE_MODELS = (
    BaseModel(
        name="en-US_BroadbandModel",
        language="en-US",
        rate_hz=16_000,
        description="US English broadband model.",
        versions=("en-US_BroadbandModel.v2018-07-31", "en-US_BroadbandModel.v2020-01-16"),
        engine="sphinx",
    ),
    BaseModel(
        name="en-US_NarrowbandModel",
        language="en-US",
        rate_hz=8_000,
        description="US English narrowband model.",
        versions=("en-US_NarrowbandModel.v2019-06-24",),
        engine="sphinx",
    ),
)

BASE_MODELS = {model.name: model for model in _BASE_MODELS}
DEFAULT_BASE_MODEL = "en-US_BroadbandModel"

NEXT_GENERATION = {
    "en-US_Telephony": "en-US_NarrowbandModel",
    "en-US_Multimedia": "en-US_BroadbandModel",
}
"""Names that applications moved to later, and the model that answers to them here."""
DEPRECATED = {
    "en-UK_BroadbandModel": "en-GB_BroadbandModel",
    "en-UK_NarrowbandModel": "en-GB_NarrowbandModel",
    "ar-AR_BroadbandModel": "ar-MS_BroadbandModel",
}
"""Old names that still find their model."""


def find(name: str) -> BaseModel | None:
    """Return the model that answers to a name: its own, a deprecated one, or a next-generation one."""
    return BASE_MODELS.get(NEXT_GENERATION.get(name) or DEPRECATED.get(name) or name)


def base_model_of_version(version: str) -> BaseModel:
    """Return the base model that a full version string belongs to.

    Raises:
        KeyError: no served model has that version.
    """
    for model in _BASE_MODELS:
        if version in model.versions:
            return model
    raise KeyError(version)
