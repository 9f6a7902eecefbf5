"""Runs of a custom acoustic model: who may train or upgrade, and what a run's end makes of the model."""

from __future__ import annotations

import math
from dataclasses import dataclass

from chalicelib.customization import acoustic_models, audio_resources, limits
from chalicelib.customization import acoustic_statuses as statuses
from chalicelib.customization.acoustic_models import now
from chalicelib.customization.errors import (
    Busy,
    NothingModified,
    NotTraining,
    TrainingRefused,
    UpgradeRefused,
)
from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.storage.conditional import ConditionFailed, Contended, Update, write
from chalicelib.storage.tables import AcousticModel, AudioResource

_ATTEMPTS = 10


@dataclass(frozen=True)
class Claim:
    """A model that is now in a run: launch it, or call `training_failed`."""

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
        if reason is None and _trained_already(model):
            raise NothingModified
        try:
            if reason is not None:
                write(statuses.training_refused(model, reason, now()))
                raise TrainingRefused(reason)
            write(statuses.training_begun(model, now()))
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


def _trained_already(model: AcousticModel) -> bool:
    return (
        model.status == statuses.Status.AVAILABLE
        and model.trained_data_version == model.data_version
        and model.promoted_version == model.versions[-1]
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
        newest = BASE_MODELS[model.base_model_name].newest_version
        if model.versions[-1] == newest:
            raise UpgradeRefused(f"The custom acoustic model '{customization_id}' is up-to-date.")
        resources = audio_resources.of_model(model)
        if not resources:
            raise UpgradeRefused("No input data available for upgrade: the custom model contains no audio.")
        if not statuses.allowed(model, statuses.UPGRADE_BEGUN):
            raise UpgradeRefused(
                "A custom model can be upgraded while it is 'ready' or 'available', "
                f"but '{customization_id}' is '{model.status}'."
            )
        valid = tuple(audio for audio in resources if audio.status == audio_resources.OK)
        try:
            if not model.promoted_run:
                write(statuses.upgraded_at_once(model, newest, now()))
                return None
            write(statuses.upgrade_begun(model, newest, now()))
        except ConditionFailed:
            continue
        return Claim(model, valid)
    raise Contended


def job_created(owner: str, customization_id: str, run: int, job_name: str) -> bool:
    """Remember the training job of the current run; False when that run is over."""
    model = _in_run(owner, customization_id, run)
    return model is not None and _attempt(statuses.job_created(model, run, job_name))


def training_progressed(
    owner: str,
    customization_id: str,
    run: int,
    *,
    progress: float,
    stage: str | None = None,
    seconds_left: float | None = None,
) -> bool:
    """Show how far the current run is, in percent; False for older news and for runs that are over."""
    model = _in_run(owner, customization_id, run)
    progress = min(max(progress, 0.0), 100.0)
    return model is not None and _attempt(statuses.progressed(model, run, progress, stage, seconds_left))


def training_succeeded(owner: str, customization_id: str, run: int, *, sha256: str) -> bool:
    """Promote the run (a training or an upgrade); False when it is over or another one is current.

    `sha256` is that of the promoted `model.tar.gz`, which lies under `layout.adapted_model_key` already.
    """
    model = _in_run(owner, customization_id, run)
    return model is not None and _attempt(statuses.run_succeeded(model, sha256, now()))


def training_failed(
    owner: str, customization_id: str, run: int, error: str, *, reported: bool = False
) -> bool:
    """End the run with a reason for the model's user; False when it is over or another one is current.

    `reported` tells that a report of the run lies under `layout.report_key`.
    """
    model = _in_run(owner, customization_id, run)
    return model is not None and _attempt(statuses.run_failed(model, error, reported, now()))


def training_cancelled(owner: str, customization_id: str, run: int) -> bool:
    """End the run as its user asked; the model is what it was before. False when it is over already."""
    model = _in_run(owner, customization_id, run)
    return model is not None and _attempt(statuses.run_cancelled(model, now()))


def request_cancel(owner: str, customization_id: str) -> AcousticModel:
    """Note that the user wants the current run stopped; returns the row, whose job is then to be stopped.

    Raises:
        MalformedId, UnknownModel: see `acoustic_models.get`.
        NotTraining: the model is in no run.
    """
    model = acoustic_models.get(owner, customization_id)
    try:
        write(statuses.cancel_requested(model))
    except ConditionFailed:
        raise NotTraining(customization_id) from None
    return model


def _in_run(owner: str, customization_id: str, run: int) -> AcousticModel | None:
    model = acoustic_models.find(owner, customization_id)
    if model is None or model.run != run or model.status not in statuses.RUNNING:
        return None
    return model


def _attempt(change: Update) -> bool:
    try:
        write(change)
    except ConditionFailed:
        return False
    return True
