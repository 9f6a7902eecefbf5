"""Which base version and which adapted model serve a request."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar

from chalicelib.engines import availability, catalogue
from chalicelib.engines.catalogue import BaseModel
from chalicelib.engines.features import CUSTOM_MODELS, FeatureName
from chalicelib.recognition.request.options import Options
from chalicelib.storage import kept_version
from chalicelib.storage.layout import adapted_model_key, language_model_key
from chalicelib.storage.rows import CustomModel
from chalicelib.storage.tables import AcousticModel, LanguageModel

OLDER_BASE_VERSION = (
    "Using previous version of base model, because your custom model has been built with it. "
    "Please note that this version will be supported only for a limited time. "
    "Consider upgrading your custom model to the newest version of the base model and training it again."
)
BASE_VERSION_GONE = (
    "Using non-customized default base model, because your custom {kind} model has been built with "
    "a version of the base model that is no longer supported."
)


class UnknownModel(LookupError):
    """No base model of that name is served."""

    def __init__(self, model: str) -> None:
        super().__init__(availability.not_found(model))


class UnknownCustomization(LookupError):
    """The owner has no custom model with that id."""

    def __init__(self, customization_id: str) -> None:
        super().__init__(f"Invalid customization_id '{customization_id}' for user")


class UnknownVersion(LookupError):
    """The custom acoustic model keeps no version of that number."""

    def __init__(self, model: AcousticModel, version: int) -> None:
        super().__init__(kept_version.unknown(model.customization_id, version, model.kept_versions))


class NotAvailable(Exception):
    """The custom model was never trained (or was reset since); `kind`: acoustic | language."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"Requested custom {kind} model is not available. Please make sure the custom model is trained."
        )


class UnknownGrammar(ValueError):
    """The custom language model was not trained with a grammar of that name."""

    def __init__(self, grammar_name: str) -> None:
        super().__init__(
            f"Grammar '{grammar_name}' is not available. Please make sure that the custom language model has "
            "such a grammar and was trained after the grammar was added."
        )


class WrongBase(ValueError):
    """The base model or base version asked for is not one that the request's custom model (or model) has, or
    this installation does without its engine."""


@dataclass(frozen=True)
class ModelArtefact:
    """A promoted artefact in the bucket: an adapted acoustic model or a custom language model."""

    key: str
    sha256: str
    """Hex digest of the archive."""


@dataclass(frozen=True)
class ServingModel:
    """What recognises, and what the user should know about it."""

    base_version: str
    adapted_model: ModelArtefact | None
    warnings: tuple[str, ...] = ()
    language_model: ModelArtefact | None = None
    grammars: tuple[str, ...] = ()
    """Names of the grammars inside the language model."""
    large_grammars: tuple[str, ...] = ()
    """Those of them that this version's engine cannot take."""
    large_grammars_version: str | None = None
    """The version that takes them with the same language model: a connection names its grammar late."""

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads; all of it is JSON."""
        several = {name: list(getattr(self, name)) for name in ("warnings", "grammars", "large_grammars")}
        return dataclasses.asdict(self) | several

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned."""
        adapted, language = values.get("adapted_model"), values.get("language_model")
        return cls(
            base_version=values["base_version"],
            adapted_model=None if adapted is None else ModelArtefact(**adapted),
            warnings=tuple(values.get("warnings", ())),
            language_model=None if language is None else ModelArtefact(**language),
            grammars=tuple(values.get("grammars", ())),
            large_grammars=tuple(values.get("large_grammars", ())),
            large_grammars_version=values.get("large_grammars_version"),
        )


def check_grammar(grammars: Collection[str], options: Options) -> None:
    """Refuse a request that asks for a grammar that is not among those of its language model.

    Raises:
        UnknownGrammar: it does.
    """
    if options.grammar_name is not None and options.grammar_name not in grammars:
        raise UnknownGrammar(options.grammar_name)


def choose(owner: str, options: Options) -> ServingModel:
    """Return what serves a request of `owner`.

    A custom model is served by its last promoted training run, whatever it is doing now: retraining,
    failed, or holding data that it has not learned from yet. An upgraded one also by the last run on the
    base version before: two models are used on the newest version that both have. A version that is asked
    for serves alone.

    Raises:
        UnknownModel: no such base model.
        UnknownCustomization: a custom model that is not there, or belongs to somebody else.
        UnknownVersion: a version of a custom acoustic model that is not kept.
        NotAvailable: a custom model was never trained.
        WrongBase: a custom model is built on another base model, has no such version, or none whose engine
            this installation has.
        UnknownGrammar: the custom language model has no such grammar.
    """
    base = catalogue.find(options.model)
    if base is None:
        raise UnknownModel(options.model)
    acoustic = _acoustic(owner, options, base)
    language = _trained(LanguageModel, owner, options.language_customization_id, base)
    custom = [one for one in (acoustic, language) if one is not None]
    version = _version(base, custom, options)
    if version not in base.version_names:
        if (missing := availability.obstacle(version, *_features_of(custom, options))) is not None:
            raise WrongBase(missing)
        if not custom:
            raise WrongBase(
                f"Base model version '{version}' not found: {base.name} has {', '.join(base.version_names)}"
            )
        gone = BASE_VERSION_GONE.format(kind=custom[0].row.kind)
        return ServingModel(base.newest_version, None, (gone,))
    newest = _newest_for(base, custom, options)
    is_older = newest is not None and base.is_newer(newest, version)
    warnings = (OLDER_BASE_VERSION,) if custom and is_older else ()
    serving = ServingModel(
        version,
        None if acoustic is None else _artefact(acoustic, version, adapted_model_key),
        warnings,
        None if language is None else _artefact(language, version, language_model_key),
        () if language is None else tuple(sorted(language.row.grammars_on(version))),
    )
    check_grammar(serving.grammars, options)
    if language is None or acoustic is not None:
        return serving
    return _with_large_grammars(serving, language.row, base)


Row = TypeVar("Row", bound=CustomModel)


@dataclass(frozen=True)
class _Trained(Generic[Row]):
    """A custom model that can serve."""

    row: Row
    artefacts: Mapping[str, tuple[int, str]]
    """Run and checksum by base version: all, or those of the version that was asked for."""


_Custom = _Trained[AcousticModel] | _Trained[LanguageModel]


def _acoustic(owner: str, options: Options, base: BaseModel) -> _Trained[AcousticModel] | None:
    found = _trained(AcousticModel, owner, options.acoustic_customization_id, base)
    number = options.acoustic_customization_version
    if found is None or number is None:
        return found
    version = found.row.kept_versions.get(number)
    if version is None:
        raise UnknownVersion(found.row, number)
    return _Trained(found.row, {version.base_version: (version.version, version.sha256)})


def _trained(
    kind: type[Row], owner: str, customization_id: str | None, base: BaseModel
) -> _Trained[Row] | None:
    if customization_id is None:
        return None
    try:
        row = kind.get(owner, customization_id, consistent_read=True)
    except kind.DoesNotExist:
        raise UnknownCustomization(customization_id) from None
    if row.base_model_name != base.name:
        raise WrongBase(
            f"Custom {row.kind} model '{customization_id}' is built on {row.base_model_name}, "
            f"not on {base.name}: add model={row.base_model_name} to the request"
        )
    if not row.artefacts:
        raise NotAvailable(row.kind)
    return _Trained(row, row.artefacts)


def _versions(model: _Custom) -> str:
    return "' and '".join(model.artefacts)


def _version(base: BaseModel, custom: Sequence[_Custom], options: Options) -> str:
    """Return the version that was asked for, else the newest that all custom models have.

    A large grammar needs one whose engine takes it; if need be, the version is one that is not served.
    """
    wanted = options.base_model_version
    for model in custom:
        if wanted is not None and wanted not in model.artefacts:
            raise WrongBase(
                f"Custom {model.row.kind} model '{model.row.customization_id}' cannot be used with base "
                f"model version '{wanted}': it is trained on '{_versions(model)}'"
            )
    if wanted is not None or not custom:
        return wanted or base.newest_version
    in_common = [
        version for version in custom[0].artefacts if all(version in model.artefacts for model in custom)
    ]
    if in_common:
        able = base.versions_with(*_features_of(custom, options))
        served = [version for version in in_common if version in base.version_names]
        return next((version for version in served if version in able), [*served, *in_common][0])
    trained = "; ".join(f"the {model.row.kind} one on '{_versions(model)}'" for model in custom)
    raise WrongBase(
        f"The two custom models are not trained on the same version of {base.name}: {trained}. "
        "Upgrade the older one."
    )


def _with_large_grammars(serving: ServingModel, language: LanguageModel, base: BaseModel) -> ServingModel:
    """Return the same with the version that takes the grammars which are too large for its own."""
    large = tuple(sorted(set(language.large_grammars or ()) & set(serving.grammars)))
    able = base.versions_with("language_models", "large_grammars")
    if not large or serving.base_version in able:
        return serving
    artefact = language.artefacts[serving.base_version]
    other = next((version for version in able if language.artefacts.get(version) == artefact), None)
    return dataclasses.replace(serving, large_grammars=large, large_grammars_version=other)


def _newest_for(base: BaseModel, custom: Sequence[_Custom], options: Options) -> str | None:
    """Return the newest version that custom models of these kinds can be upgraded to."""
    return base.newest_with(*_features_of(custom, options))


def _features_of(custom: Sequence[_Custom], options: Options) -> list[FeatureName]:
    needed = [CUSTOM_MODELS[model.row.kind] for model in custom]
    large = [model.row.large_grammars or () for model in custom if isinstance(model.row, LanguageModel)]
    if any(options.grammar_name in grammars for grammars in large):
        needed.append("large_grammars")
    return needed


def _artefact(model: _Custom, version: str, key: Callable[[str, str, int], str]) -> ModelArtefact:
    run, sha256 = model.artefacts[version]
    return ModelArtefact(key(model.row.owner, model.row.customization_id, run), sha256)
