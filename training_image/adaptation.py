"""What an engine's adaptation is given and what it gives back, the same for every engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from chalicelib.engines.adapted_model import KEPT_BASE, is_decision
from training_image.checkpoint import Checkpoint
from training_image.container.machine import Machine
from training_image.guard import Candidate, Errors, Figures
from training_image.speech.recordings import LeftOutAudio
from training_image.speech.utterances import Utterance

ReportProgress = Callable[[float, str], None]
"""Takes the share of the adaptation that is done, 0…1, and what it does now."""


@dataclass(frozen=True)
class Assignment:
    """What is to be adapted to what, and with what."""

    adaptation: Sequence[Utterance]
    """What to learn from, at the base's rate, without transcripts."""
    held_out: Sequence[Utterance]
    """What the result is judged by; nothing is learned from it."""
    base_version: str
    """Of the catalogue."""
    machine: Machine
    checkpoint: Checkpoint
    """Finished parts are saved there and found there again."""
    report_progress: ReportProgress
    language_model: Path | None = None
    """Artefact of a custom language model that helps to recognise."""
    base_weights: Path | None = None
    """Folder of the base version's weights; None: they come with the engine."""
    language: str | None = None
    """Code of the language that the base version is for; None: its weights know one only."""
    seconds_left: Callable[[], float] = lambda: math.inf
    """Until the platform ends the job, whatever it has done by then."""


@dataclass(frozen=True)
class HeldOut:
    """The judgement on audio that nothing was learned from."""

    utterances: int
    audio_s: float
    before: Figures
    after: Figures
    changed: int | None = None
    """Utterances in which `after` finds other words than `before`; None: they were not counted."""


@dataclass(frozen=True)
class Ordinary:
    """What happened to speech that is not the user's."""

    base: Errors
    chosen: Errors


@dataclass(frozen=True)
class Adaptation:
    """What came out. The report shows its figures: dataclasses of numbers and texts."""

    decision: str
    """KEPT_BASE, or what the engine calls the stage whose result beats the base; `adapted` is the whole."""
    reason: str
    """For the model's user."""
    files: Mapping[str, bytes]
    """What the engine needs beside the base, by name; nothing where the base is kept."""
    rounds: Sequence[Any]
    """Figures of each round."""
    held_out: HeldOut
    used_s: float
    """Seconds of audio that the model learned from."""
    left_out: Sequence[LeftOutAudio]
    """Utterances that taught nothing."""
    transcribed_s: float = 0.0
    """Seconds of audio whose transcript was found in the corpora of the helper language model."""
    alpha: float | None = None
    """Share of what was learned that serves, where an engine can serve a share."""
    candidates: Sequence[Candidate] = ()
    """Shares that were judged, with the figures of each."""
    ordinary: Ordinary | None = None
    """Words wrong in the ordinary speech that comes with the program, where that was heard."""

    def __post_init__(self) -> None:
        if not is_decision(self.decision):
            raise ValueError(f"not the name of a stage: {self.decision!r}")
        if (self.decision == KEPT_BASE) != (not self.files):
            raise ValueError(f"the decision is {self.decision!r}, and there are {len(self.files)} files")


class Adapt(Protocol):
    """Adapts a base model to utterances without transcripts."""

    def __call__(self, assignment: Assignment) -> Adaptation:
        """Learn, and decide with `guard` whether the result is better than the base.

        Raises:
            OSError: an utterance's audio cannot be read, or a checkpoint not written.
            failures.JobFailed: it cannot be done, for a reason that the model's user can do something about.
        """
        ...
