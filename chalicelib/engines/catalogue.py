"""The base models that are really served, with their versions. Imports no engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, MutableMapping
from dataclasses import dataclass

from chalicelib import settings
from chalicelib.engines import staged, watson_models
from chalicelib.engines.features import ENGINE_FEATURES, FeatureName, Features
from chalicelib.engines.staged import Catalogue

NARROWBAND_HZ, BROADBAND_HZ = watson_models.NARROWBAND_HZ, watson_models.BROADBAND_HZ
NETWORK_HZ = 16_000
"""What networks of the Whisper family take, whatever the recording had."""
_ENGLISH = "en"


@dataclass(frozen=True)
class BaseVersion:
    """One version of a base model: what recognises, and what a custom model is made on."""

    name: str
    """The full version string."""
    engine: str
    """Name of the engine that loads it."""
    rate_hz: int
    """Rate of the samples that its recogniser takes; recordings are converted to it."""
    base: str | None = None
    """Name of the staged base with its weights (`engines.staged`); None: those that come with the engine."""
    language: str | None = None
    """Code of the language that its network is told, e.g. `ko`; None: it knows one language only."""

    @property
    def features(self) -> Features:
        """What can be done with it.

        Corpora, custom words and grammars are read as US English; for another language there are none. An
        engine that the operator does not want adapted is not.
        """
        features = ENGINE_FEATURES[self.engine]
        if self.engine not in adapted_engines():
            features = dataclasses.replace(features, acoustic_models=False)
        if self.language in (None, _ENGLISH):
            return features
        return dataclasses.replace(features, language_models=False, grammars=False, large_grammars=False)


@dataclass(frozen=True)
class BaseModel:
    """A row of the catalogue: what `GET /v1/models` shows, with its versions."""

    name: str
    language: str
    least_rate_hz: int
    """Lowest sampling rate of recordings that the model accepts."""
    description: str
    versions: tuple[BaseVersion, ...]
    """Oldest first."""
    speaker_labels: bool = True

    @property
    def version_names(self) -> tuple[str, ...]:
        """The full version strings, oldest first."""
        return tuple(version.name for version in self.versions)

    @property
    def newest_version(self) -> str:
        """The version that recognises when nothing else is asked for."""
        return self.versions[-1].name

    def versions_with(self, *features: FeatureName) -> tuple[str, ...]:
        """Return the versions that have some features, oldest first."""
        return tuple(version.name for version in self.versions if all(map(version.features.has, features)))

    def is_newer(self, one: str, other: str) -> bool:
        """Return whether one version is newer than another; one that is not served is newer than none."""
        names = self.version_names
        return one in names and other in names and names.index(one) > names.index(other)

    def newest_with(self, *features: FeatureName) -> str | None:
        """Return the newest version that has some features: what a new custom model starts from."""
        return next(reversed(self.versions_with(*features)), None)


_BASE_MODELS = (
    BaseModel(
        name="en-US_BroadbandModel",
        language="en-US",
        least_rate_hz=BROADBAND_HZ,
        description="US English broadband model.",
        versions=(
            BaseVersion("en-US_BroadbandModel.v2018-07-31", "sphinx", BROADBAND_HZ),
            BaseVersion("en-US_BroadbandModel.v2020-01-16", "sphinx", BROADBAND_HZ),
            BaseVersion("en-US_BroadbandModel.v2026-11-30", "whisper", NETWORK_HZ),
        ),
    ),
    BaseModel(
        name="en-US_NarrowbandModel",
        language="en-US",
        least_rate_hz=NARROWBAND_HZ,
        description="US English narrowband model.",
        versions=(
            BaseVersion("en-US_NarrowbandModel.v2019-06-24", "sphinx", NARROWBAND_HZ),
            BaseVersion("en-US_NarrowbandModel.v2026-11-30", "whisper", NETWORK_HZ),
        ),
    ),
)


class Models(MutableMapping[str, BaseModel]):
    """Base models by name: some that are fixed, and those of the bases that are staged at the moment."""

    def __init__(self, fixed: dict[str, BaseModel], engines: Callable[[], Collection[str]]) -> None:
        """Take what is there without any staged base, and what tells which engines' bases count."""
        self._fixed = fixed
        self._engines = engines
        self._made: tuple[Catalogue, dict[str, BaseModel]] | None = None

    def _now(self) -> dict[str, BaseModel]:
        catalogue, made = staged.current(), self._made
        if made is None or made[0] is not catalogue:
            made = self._made = (catalogue, _with_staged(self._fixed, catalogue, self._engines()))
        return made[1]

    def __getitem__(self, name: str) -> BaseModel:
        """Return a model by its own name."""
        return self._now()[name]

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._now())

    def __len__(self) -> int:
        """Return how many models there are."""
        return len(self._now())

    def __setitem__(self, name: str, model: BaseModel) -> None:
        """Fix a model."""
        self._fixed[name], self._made = model, None

    def __delitem__(self, name: str) -> None:
        """Remove a fixed model."""
        del self._fixed[name]
        self._made = None

    def clear(self) -> None:
        """Remove all fixed models."""
        self._fixed.clear()
        self._made = None


def _with_staged(
    fixed: dict[str, BaseModel], catalogue: Catalogue, engines: Collection[str]
) -> dict[str, BaseModel]:
    """Return models with the versions that staged bases add, which are newer than the others."""
    models = dict(fixed)
    for base in catalogue.bases:
        for model in base.models:
            language = watson_models.language_of(model.name)
            if base.engine not in engines or language is None:
                continue
            version = BaseVersion(
                model.version, base.engine, NETWORK_HZ, base=base.name, language=model.language
            )
            known = models.get(model.name) or BaseModel(
                name=model.name,
                language=language.tag,
                least_rate_hz=watson_models.least_rate_hz(model.name),
                description=watson_models.description(model.name),
                versions=(),
            )
            models[model.name] = dataclasses.replace(known, versions=(*known.versions, version))
    return models


def _engines() -> Collection[str]:
    return settings.engines() or ENGINE_FEATURES


def adapted_engines() -> Collection[str]:
    """Return the engines that custom acoustic models are made on.

    Raises:
        settings.SettingsError: there is no engine of one of these names.
    """
    return _known(settings.adapted_engines(), "ATTUNE_ADAPTED_ENGINES") or ENGINE_FEATURES


def _known(engines: Collection[str], variable: str) -> Collection[str]:
    if unknown := sorted(set(engines) - ENGINE_FEATURES.keys()):
        raise settings.SettingsError(
            f"environment variable {variable} names {unknown[0]!r}: the engines are "
            f"{', '.join(ENGINE_FEATURES)}"
        )
    return engines


KNOWN_MODELS = Models({model.name: model for model in _BASE_MODELS}, lambda: ENGINE_FEATURES)
"""All that the engines of this program can load, whether this installation has them or not."""


def served(engines: Collection[str]) -> dict[str, BaseModel]:
    """Return the base models with those versions that some engines load; none that is left without any.

    Those of staged bases are not among them.

    Raises:
        settings.SettingsError: there is no engine of one of these names.
    """
    _known(engines, "ATTUNE_ENGINES")
    adapted_engines()
    own = {model.name: model for model in _BASE_MODELS}
    left = {
        model.name: tuple(version for version in model.versions if version.engine in engines)
        for model in _BASE_MODELS
    }
    return {
        name: dataclasses.replace(own[name], versions=versions) for name, versions in left.items() if versions
    }


BASE_MODELS = Models(served(_engines()), _engines)
"""What this installation serves."""


def serve_anew() -> None:
    """Serve what ATTUNE_ENGINES names now: in a process that has learned of it after its start.

    Raises:
        settings.SettingsError: there is no engine of one of these names.
    """
    left = served(_engines())
    BASE_MODELS.clear()
    BASE_MODELS.update(left)


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
    return BASE_MODELS.get(own_name(name))


def own_name(name: str) -> str:
    """Return what the catalogue calls the model that answers to a name."""
    return NEXT_GENERATION.get(name) or DEPRECATED.get(name) or name


def base_model_of_version(version: str) -> BaseModel:
    """Return the base model that a full version string belongs to, served or not (see `availability`).

    Raises:
        KeyError: no model has that version.
    """
    for model in KNOWN_MODELS.values():
        if version in model.version_names:
            return model
    raise KeyError(version)


def base_version(name: str) -> BaseVersion:
    """Return the version of a full version string, served or not (see `availability`).

    Raises:
        KeyError: no model has that version.
    """
    return next(version for version in base_model_of_version(name).versions if version.name == name)


def engine_of(name: str) -> str:
    """Return the engine of a full version string; `unknown` of one that no model has any more."""
    try:
        return base_version(name).engine
    except KeyError:
        return "unknown"
