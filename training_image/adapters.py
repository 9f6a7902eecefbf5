"""Which function adapts the base models of which engine, and what it gives back."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from numpy.typing import NDArray

from training_image.checkpoint import Checkpoint
from training_image.failures import JobFailed
from training_image.utterances import Utterance

ReportProgress = Callable[[float, str], None]
"""Takes the share of the adaptation that is done, 0…1, and what it does now."""


class Adaptation(Protocol):
    """What an adaptation gives. Its figures are dataclasses of numbers and texts; the report shows them."""

    @property
    def decision(self) -> Literal["adapted", "transform", "base"]:
        """What beats the base on held-out audio; `base` when nothing does."""
        ...

    @property
    def reason(self) -> str:
        """Why, for the model's user."""
        ...

    @property
    def arrays(self) -> Mapping[str, NDArray[Any]] | None:
        """The adapted parameters; None when the base is kept."""
        ...

    @property
    def used_s(self) -> float:
        """Seconds of speech that the model learned from."""
        ...

    @property
    def rounds(self) -> Sequence[Any]:
        """Figures of each round."""
        ...

    @property
    def held_out(self) -> Any:
        """Utterances held out, their seconds, and the figures of base and result on them."""
        ...

    @property
    def transcribed_s(self) -> float:
        """Seconds of speech whose transcript was found in the helper language model's corpora."""
        ...

    @property
    def left_out(self) -> Sequence[Any]:
        """Utterances that taught nothing, as `recordings.LeftOut`."""
        ...


class Adapt(Protocol):
    """Adapts a base model to utterances without transcripts."""

    def __call__(
        self,
        adaptation: Sequence[Utterance],
        held_out: Sequence[Utterance],
        *,
        base_version: str,
        cores: int,
        checkpoint: Checkpoint,
        report_progress: ReportProgress,
        language_model: Path | None = None,
    ) -> Adaptation:
        """Learn from `adaptation`, and decide on `held_out` whether the result is better than the base."""
        ...


_ADAPTERS = {"sphinx": "training_image.sphinx.adaptation"}
"""Module with a function `adapt`, imported when its engine is asked for: each brings its own libraries."""


def adapter(engine: str) -> Adapt:
    """Return the adapt function of an engine.

    Raises:
        JobFailed: this image cannot train that engine's models.
    """
    module = _ADAPTERS.get(engine)
    if module is None:
        raise JobFailed(
            f"This training image cannot adapt models of the engine {engine!r}, only of: "
            f"{', '.join(sorted(_ADAPTERS))}. Have the operator deploy the image made for this service."
        )
    return cast(Adapt, importlib.import_module(module).adapt)
