"""The files SageMaker lays before a container and takes from it, and those of this program among them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT_VARIABLE = "ATTUNE_TRAINING_ROOT"
SCRATCH_VARIABLE = "ATTUNE_TRAINING_SCRATCH"


@dataclass(frozen=True)
class Layout:
    """Where everything lies. Under SageMaker the root is /opt/ml."""

    root: Path
    scratch: Path
    """Decoded audio of the running job. Emptied at start and end."""

    @property
    def config(self) -> Path:
        """Folder of hyperparameters.json, inputdataconfig.json and resourceconfig.json."""
        return self.root / "input" / "config"

    @property
    def plan(self) -> Path:
        """What to train on."""
        return self.root / "input" / "data" / "plan" / "plan.json"

    @property
    def audio(self) -> Path:
        """Folder of the uploaded recordings and archives."""
        return self.root / "input" / "data" / "audio"

    @property
    def language(self) -> Path:
        """Folder of the helper language model, where the plan names one."""
        return self.root / "input" / "data" / "language"

    @property
    def base(self) -> Path:
        """Folder of the base version's weights, where the plan names some."""
        return self.root / "input" / "data" / "base"

    @property
    def checkpoints(self) -> Path:
        """Folder that outlives this machine."""
        return self.root / "checkpoints"

    @property
    def progress(self) -> Path:
        """How far the job is."""
        return self.checkpoints / "progress.json"

    @property
    def model(self) -> Path:
        """Folder that becomes model.tar.gz."""
        return self.root / "model"

    @property
    def failure(self) -> Path:
        """Why the job failed, for the model's user."""
        return self.root / "output" / "failure"


def layout_of(root: Path | None, environment: Mapping[str, str] = os.environ) -> Layout:
    """Return the layout below `root`, or below what the environment says, or below /opt/ml."""
    chosen = (root or Path(environment.get(ROOT_VARIABLE) or "/opt/ml")).resolve()
    scratch = Path(environment.get(SCRATCH_VARIABLE) or chosen) / f"attune-scratch{_of_process(environment)}"
    return Layout(chosen, scratch.resolve())


def _of_process(environment: Mapping[str, str]) -> str:
    """Several processes of a machine do not share a scratch folder."""
    return f"-{environment['LOCAL_RANK']}" if "LOCAL_RANK" in environment else ""
