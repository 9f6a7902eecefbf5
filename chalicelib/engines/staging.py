"""How a base of each engine is made ready and measured; the engine is imported when it is first needed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from chalicelib.engines.protocol import Samples

_STAGERS = {"whisper": "chalicelib.engines.whisper.staging"}
"""The engine's name in the catalogue: module."""


@dataclass(frozen=True)
class PreparedBase:
    """A base that was written into a folder."""

    files: tuple[str, ...]
    languages: tuple[str, ...]
    """Codes of the languages that the weights know."""
    multilingual: bool
    """Whether the network has to be told which language is spoken."""
    parameters: int
    description: str
    """Of its size, for people."""


@dataclass(frozen=True)
class Measured:
    """What a network did with a clip."""

    load_s: float
    recognition_s: float
    audio_s: float
    text: str


class Stager(Protocol):
    """Makes bases of one engine ready."""

    def weights(self, source: Path) -> list[Path]:
        """Return the files of a folder that hold the weights.

        Raises:
            engines.errors.ModelUnreadable: there are none that may be read.
        """
        ...

    def prepare(self, source: Path, target: Path) -> PreparedBase:
        """Write the network of a folder into another one, ready to be loaded.

        Raises:
            engines.errors.ModelUnreadable: it is no whole network of this engine.
        """
        ...

    def measure(self, folder: Path, language: str | None, samples: Samples) -> Measured:
        """Recognise a clip with a folder that was made ready.

        Raises:
            engines.errors.ModelUnreadable: it cannot be loaded.
        """
        ...


def stager(engine: str) -> Stager:
    """Return what makes bases of an engine ready.

    Raises:
        KeyError: there is no such engine, or it takes no staged bases.
    """
    return cast("Stager", importlib.import_module(_STAGERS[engine]))
