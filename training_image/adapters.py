"""Which function adapts the base models of which engine, and what libraries it computes with."""

from __future__ import annotations

import importlib
import importlib.metadata
from dataclasses import dataclass
from typing import cast

from training_image.adaptation import Adapt
from training_image.failures import JobFailed


@dataclass(frozen=True)
class Adapter:
    """Where an engine's adaptation is; imported when it is asked for, since each brings its own libraries."""

    module: str
    """Has a function `adapt`."""
    libraries: tuple[str, ...]
    """Distributions that decide what it computes, beside those that all engines share."""
    several_hosts: bool = False
    """Whether it shares the work among the instances of a job; otherwise there must be one."""

    @property
    def adapt(self) -> Adapt:
        """The function, whose module is imported now."""
        return cast(Adapt, importlib.import_module(self.module).adapt)


_ADAPTERS = {
    "sphinx": Adapter("training_image.sphinx.adaptation", ("pocketsphinx",)),
    "whisper": Adapter(
        "training_image.whisper.adaptation",
        ("ctranslate2", "peft", "tiktoken", "torch", "transformers"),
    ),
}
"""By the engine's name in the catalogue."""


def adapter(engine: str) -> Adapter:
    """Return the adapter of an engine.

    Raises:
        JobFailed: this image cannot train that engine's models, or libraries for it are not installed.
    """
    found = _ADAPTERS.get(engine)
    if found is None:
        raise JobFailed(
            f"This training image cannot adapt models of the engine {engine!r}, only of: "
            f"{', '.join(sorted(_ADAPTERS))}. Have the operator deploy the image made for this service."
        )
    missing = [library for library in found.libraries if not _is_installed(library)]
    if missing:
        raise JobFailed(
            f"Adapting models of the engine {engine!r} needs {', '.join(missing)}, which is not installed "
            "where trainings run. Have the operator install it (on one machine: make training; on AWS: "
            "deploy the image made for this engine), and train again."
        )
    return found


def _is_installed(library: str) -> bool:
    try:
        importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
