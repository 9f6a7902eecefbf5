"""What training a custom language model needs of a base version. Imports no engine until it is used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from chalicelib.engines import catalogue

if TYPE_CHECKING:
    from chalicelib.language.training import BaseLanguage

_LANGUAGES = {"sphinx": ("chalicelib.engines.sphinx.base_language", "BundledLanguage")}
"""The engine's name in the catalogue: module and class."""


def base_language(base_version: str) -> BaseLanguage:
    """Return the language of a base version.

    Raises:
        KeyError: no served model has that version, or its engine takes no custom language models.
    """
    module, language_class = _LANGUAGES[catalogue.base_version(base_version).engine]
    made: BaseLanguage = getattr(importlib.import_module(module), language_class)(base_version)
    return made
