"""What each engine can do, as one table. Imports no engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FeatureName = Literal[
    "acoustic_models",
    "language_models",
    "grammars",
    "large_grammars",
    "written_text",
    "serves_threads",
    "decodes_along",
]


@dataclass(frozen=True)
class Features:
    """What can be done with a base version, beside recognising words with times and confidences."""

    acoustic_models: bool = False
    """It can be adapted to raw audio."""
    language_models: bool = False
    """It can be used with custom language models: corpora and words."""
    grammars: bool = False
    """It can restrict what it recognises to a grammar, as long as that has few sentences."""
    large_grammars: bool = False
    """The same for a grammar of any size."""
    written_text: bool = False
    """It gives the text as people write it, with capitals and punctuation, beside the spoken words."""
    serves_threads: bool = False
    """One loaded model serves many threads; otherwise each has a process of its own."""
    decodes_along: bool = False
    """It decodes speech while it is spoken; otherwise what was said so far is decoded again and again."""

    def has(self, feature: FeatureName) -> bool:
        """Return whether one of them is there."""
        return bool(getattr(self, feature))


CUSTOM_MODELS: dict[Literal["acoustic", "language"], FeatureName] = {
    "acoustic": "acoustic_models",
    "language": "language_models",
}
"""What a version must be capable of, for each kind of custom model that is made on it."""

ENGINE_FEATURES = {
    "sphinx": Features(
        acoustic_models=True,
        language_models=True,
        grammars=True,
        large_grammars=True,
        decodes_along=True,
    ),
    "whisper": Features(
        acoustic_models=True,
        language_models=True,
        grammars=True,
        written_text=True,
        serves_threads=True,
    ),
}
"""By the engine's name in the catalogue."""
