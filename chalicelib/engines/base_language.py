"""What training a custom language model needs of a base version. Imports no engine until it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from chalicelib.engines import catalogue, vocabulary

if TYPE_CHECKING:
    from chalicelib.language.training import BaseLanguage

_LANGUAGES = {
    "sphinx": ("chalicelib.engines.sphinx.base_language", "BundledLanguage"),
    "whisper": ("chalicelib.engines.whisper.base_language", "NetworkLanguage"),
}
"""The engine's name in the catalogue: module and class."""


def base_language(base_version: str) -> BaseLanguage:
    """Return the language of a base version; `vocabulary` says which engine's it is.

    Raises:
        KeyError: no served model has that version, or its engine takes no custom language models.
    """
    module, language_class = _LANGUAGES[vocabulary.teller(base_version)]
    made: BaseLanguage = getattr(importlib.import_module(module), language_class)(shared_by(base_version))
    return made


def shared_by(base_version: str) -> tuple[str, ...]:
    """Return where a language model trained on a base version can be used, that version first.

    An acoustic model may still live on an older version of another engine, and the two are used together:
    so the newest older version of every other engine is among them.

    Raises:
        KeyError: no served model has that version.
    """
    model = catalogue.base_model_of_version(base_version)
    place = model.version_names.index(base_version)
    own = model.versions[place]
    usable = model.versions_with("language_models")
    older = {
        version.engine: version.name
        for version in model.versions[:place]
        if version.engine != own.engine and version.name in usable
    }
    return (base_version, *older.values())
