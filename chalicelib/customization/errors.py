"""What the rules of custom models refuse, with the data of the case; `api.http.errors` words it."""

from __future__ import annotations

from dataclasses import dataclass


class CustomizationError(Exception):
    """A request breaks a rule of custom models."""


@dataclass
class MalformedId(CustomizationError):
    """A customization id is not a GUID."""

    customization_id: str


@dataclass
class UnknownCustomModel(CustomizationError):
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
class NotServed(CustomizationError):
    """This installation does without the engine that it takes; `reason` is for the model's user."""

    reason: str


@dataclass
class NotCustomizable(CustomizationError):
    """The base model, or the version of it that was asked for, takes no custom model of that kind."""

    name: str
    kind: str
    """acoustic | language."""
    versions: tuple[str, ...] = ()
    """Those of the same base model that take one."""


@dataclass
class WrongDialect(CustomizationError):
    """The dialect that was asked for is not that of the base model."""

    dialect: str
    language: str
    right: str


@dataclass
class UnsupportedLanguage(CustomizationError):
    """No base model speaks that language."""

    language: str


@dataclass
class TooManyModels(CustomizationError):
    """The owner has as many custom models of a kind as one may have."""

    kind: str
    """acoustic | language."""
    limit: int


@dataclass
class ModelBusy(CustomizationError):
    """The model handles another request: an analysis, a training, an upgrade."""

    customization_id: str


@dataclass
class BadName(CustomizationError):
    """The name of a resource is empty, too long, or reserved."""

    resource: str
    """audio | corpus | grammar; so it is below."""
    name: str
    reason: str


@dataclass
class ResourceExists(CustomizationError):
    """The model has a resource of that name already and overwriting was not asked for."""

    resource: str
    name: str


@dataclass
class NameTaken(CustomizationError):
    """A resource of another kind has the name, which nothing can overwrite."""

    resource: str
    name: str
    other: str
    """The kind that has it."""


@dataclass
class ResourceBusy(CustomizationError):
    """A resource of that name is being analysed."""

    resource: str
    name: str


@dataclass
class UnknownResource(CustomizationError):
    """The model has no resource of that name."""

    resource: str
    name: str


@dataclass
class UnknownWord(CustomizationError):
    """The model has no custom word of that name."""

    word: str


@dataclass
class BadWord(CustomizationError):
    """A word, or what was said about it, cannot be; `reason` is for the model's user."""

    reason: str


@dataclass
class TooManyWords(CustomizationError):
    """The model would have more custom words than one may have."""

    limit: int


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


@dataclass
class UnknownKeptVersion(CustomizationError):
    """The model keeps no version of that number."""

    customization_id: str
    version: int
    known: tuple[int, ...]
    """Those that it keeps."""


@dataclass
class CurrentVersion(CustomizationError):
    """The version serves recognition and cannot be removed."""

    customization_id: str
    version: int


@dataclass
class ChangedMeanwhile(CustomizationError):
    """Somebody else has made another version the current one between the reading of the row and the write."""

    customization_id: str
    current: int


@dataclass
class NoCallback(CustomizationError):
    """No callback is told of what happens to the model."""

    customization_id: str
