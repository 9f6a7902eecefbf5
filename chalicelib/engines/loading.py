"""The engines by name, imported when one is first needed."""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

from chalicelib.engines import catalogue
from chalicelib.engines.protocol import BASE_ALONE, CustomModels

if TYPE_CHECKING:
    from chalicelib.engines.protocol import Engine, Recognizer

_ENGINES = {
    "sphinx": ("chalicelib.engines.sphinx.engine", "SphinxEngine"),
    "whisper": ("chalicelib.engines.whisper.engine", "WhisperEngine"),
}
"""Name in the catalogue: module and class."""


@functools.cache
def engine(name: str) -> Engine:
    """Return the engine of a base version's `engine`.

    Raises:
        KeyError: there is no engine of that name.
    """
    module, engine_class = _ENGINES[name]
    made: Engine = getattr(importlib.import_module(module), engine_class)()
    return made


def load(base_version: str, custom: CustomModels = BASE_ALONE) -> Recognizer:
    """Load a base version of the catalogue, customised as far as files are given.

    Raises:
        KeyError: no served base model has that version.
        engines.errors.ModelUnreadable: a file is damaged or made for another base version.
        engines.errors.CustomizationUnsupported: the engine cannot use that kind of model.
    """
    return engine(catalogue.base_version(base_version).engine).load(base_version, custom)
