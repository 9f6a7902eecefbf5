"""What the rules of custom models refuse, with the data of the case; `api.errors` words it for clients."""

from __future__ import annotations

from dataclasses import dataclass


class CustomizationError(Exception):
    """A request breaks a rule of custom models."""


@dataclass
class MalformedId(CustomizationError):
    """A customization id is not a GUID."""

    customization_id: str


@dataclass
class UnknownModel(CustomizationError):
    """No model of this owner has that id."""

    customization_id: str


@dataclass
class UnknownBaseModel(CustomizationError):
    """No base model of that name is served."""

    name: str


@dataclass
class UnknownBaseVersion(CustomizationError):
    """The base model is not served in that version."""

    name: str
    version: str
    versions: tuple[str, ...]


@dataclass
class UnsupportedLanguage(CustomizationError):
    """No base model speaks that language."""

    language: str


@dataclass
class TooManyModels(CustomizationError):
    """The owner has as many custom models as one may have."""

    limit: int


@dataclass
class Busy(CustomizationError):
    """The model handles another request: an analysis, a training, an upgrade."""

    customization_id: str


@dataclass
class BadName(CustomizationError):
    """The name of an audio resource is empty or too long."""

    name: str
    reason: str


@dataclass
class AudioExists(CustomizationError):
    """The model has a resource of that name already and overwriting was not asked for."""

    audio_name: str


@dataclass
class AudioBusy(CustomizationError):
    """A resource of that name is being analysed."""

    audio_name: str


@dataclass
class UnknownAudio(CustomizationError):
    """The model has no resource of that name."""

    audio_name: str


@dataclass
class TrainingRefused(CustomizationError):
    """A precondition of training does not hold; `reason` is for the model's user."""

    reason: str


class NothingModified(CustomizationError):
    """The model has been trained on exactly this data already."""


@dataclass
class UpgradeRefused(CustomizationError):
    """A precondition of upgrading does not hold; `reason` is for the model's user."""

    reason: str


@dataclass
class NotTraining(CustomizationError):
    """There is no training to cancel."""

    customization_id: str


@dataclass
class NoReport(CustomizationError):
    """No training of the model has left a report yet."""

    customization_id: str
