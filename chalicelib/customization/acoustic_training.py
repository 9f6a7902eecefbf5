"""Who may train or upgrade a custom acoustic model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chalicelib.customization import acoustic_models, audio_resources, limits, runs, statuses
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import Busy, NothingModified, TrainingRefused
from chalicelib.storage.conditional import ConditionFailed, Contended, write
from chalicelib.storage.tables import AcousticModel, AudioResource

_ATTEMPTS = 10


@dataclass(frozen=True)
class Claim:
    """A model that is now in a run: launch it, or call `runs.failed`."""

    model: AcousticModel
    """Fresh row: `run` is the run's number, `run_base_version` what it trains on."""
    recordings: tuple[AudioResource, ...]
    """The valid resources, in the order in which they were added."""
    left_out: tuple[str, ...] = ()
    """Names of the invalid resources."""


def begin_training(owner: str, customization_id: str, *, strict: bool = True) -> Claim:
    """Claim the model for a training on all its valid audio. Of simultaneous calls exactly one succeeds.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        Busy: the model handles another request.
        TrainingRefused: too little, too much, or (while `strict`) invalid audio; the model is now failed.
        NothingModified: the model has been trained on exactly this audio already; it stays as it is.
    """
    for _ in range(_ATTEMPTS):
        model = acoustic_models.get(owner, customization_id)
        if statuses.busy(model):
            raise Busy(customization_id)
        resources = audio_resources.of_model(model)
        valid = tuple(audio for audio in resources if audio.status == audio_resources.OK)
        left_out = tuple(audio.audio_name for audio in resources if audio.status == audio_resources.INVALID)
        reason = _obstacle(valid, left_out, strict)
        if reason is None and runs.trained_already(model):
            raise NothingModified
        try:
            if reason is not None:
                write(statuses.training_refused(model, reason, now()))
                raise TrainingRefused(reason)
            write(statuses.training_begun(model, now(), [AcousticModel.job_name.remove()]))
        except ConditionFailed:
            continue
        return Claim(model, valid, left_out)
    raise Contended


def _obstacle(valid: tuple[AudioResource, ...], left_out: tuple[str, ...], strict: bool) -> str | None:
    if not valid and not left_out:
        return "No input data available for training"
    if left_out and strict:
        return (
            f"Analysis of the following audio has not completed successfully: [{', '.join(left_out)}]. "
            "Delete or replace it, or set the parameter 'strict' to 'false' to train without it."
        )
    total_s = sum(float(audio.duration_s) for audio in valid)
    if limits.LEAST_TRAINING_S <= total_s <= limits.MOST_TRAINING_S:
        return None
    # Away from the limit: 599.9 s must not read as the ten minutes that are asked for.
    rounded = math.floor if total_s < limits.LEAST_TRAINING_S else math.ceil
    return (
        "The total valid audio duration must be between 10 minutes and 200 hours for training, "
        f"but it is {rounded(total_s * 100 / 60) / 100:.2f} minutes."
    )


def begin_upgrade(owner: str, customization_id: str) -> Claim | None:
    """Take the model to the newest version of its base: claimed for a run, or done (None) if never trained.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        Busy: the model handles another request.
        UpgradeRefused: the model is up-to-date, has no data, or is in a state without an upgrade.
    """
    for _ in range(_ATTEMPTS):
        model = acoustic_models.get(owner, customization_id)
        if statuses.busy(model):
            raise Busy(customization_id)
        resources = audio_resources.of_model(model)
        newest = runs.upgradable(model, "acoustic", None if resources else "audio")
        valid = tuple(audio for audio in resources if audio.status == audio_resources.OK)
        try:
            if not model.promoted_run:
                write(statuses.upgraded_at_once(model, newest, now()))
                return None
            write(statuses.upgrade_begun(model, newest, now(), [AcousticModel.job_name.remove()]))
        except ConditionFailed:
            continue
        return Claim(model, valid)
    raise Contended


def job_created(owner: str, customization_id: str, run: int, job_name: str) -> bool:
    """Remember the training job of the current run; False when that run is over."""
    return runs.noted(AcousticModel, owner, customization_id, run, [AcousticModel.job_name.set(job_name)])


def training_succeeded(owner: str, customization_id: str, run: int, *, sha256: str) -> bool:
    """Promote the run, whose report lies under `layout.report_key`; see `runs.succeeded`."""
    reported = [AcousticModel.reported_run.set(run)]
    return runs.succeeded(AcousticModel, owner, customization_id, run, sha256=sha256, also=reported)
