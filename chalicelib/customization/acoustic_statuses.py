"""States of a custom acoustic model: which event leads from where to where, each one conditional write."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.storage.conditional import Action, Condition, Delete, Update
from chalicelib.storage.tables import AcousticModel


class Status(StrEnum):
    """What a client sees; `analysing` of the row tells whether audio is still being looked at."""

    PENDING = "pending"
    READY = "ready"
    TRAINING = "training"
    AVAILABLE = "available"
    UPGRADING = "upgrading"
    FAILED = "failed"


@dataclass(frozen=True)
class Transition:
    """One line of the table: an event, where it may happen, where it leads."""

    sources: tuple[Status, ...]
    target: Status | None
    """None: decided by the data that is left, or the status before the run."""
    while_analysing: bool = False
    """Whether the event may happen while audio is being analysed."""


IDLE = (Status.PENDING, Status.READY, Status.AVAILABLE, Status.FAILED)
RUNNING = (Status.TRAINING, Status.UPGRADING)

# event                          from                                     to
AUDIO_ACCEPTED = Transition(IDLE, Status.PENDING, while_analysing=True)
ANALYSIS_ENDED = Transition(IDLE, None, while_analysing=True)  # ready if any audio is valid, else pending
AUDIO_REMOVED = Transition(IDLE, None, while_analysing=True)  # the same
TRAINING_REFUSED = Transition(IDLE, Status.FAILED)
TRAINING_BEGUN = Transition(IDLE, Status.TRAINING)
TRAINING_SUCCEEDED = Transition((Status.TRAINING,), Status.AVAILABLE)
TRAINING_FAILED = Transition((Status.TRAINING,), Status.FAILED)
TRAINING_CANCELLED = Transition((Status.TRAINING,), None)  # the former status
UPGRADED_AT_ONCE = Transition((Status.READY, Status.AVAILABLE), None)  # unchanged: there is nothing to train
UPGRADE_BEGUN = Transition((Status.READY, Status.AVAILABLE), Status.UPGRADING)
UPGRADE_SUCCEEDED = Transition((Status.UPGRADING,), None)  # the former status
UPGRADE_FAILED = Transition((Status.UPGRADING,), None)  # the former status
RESET = Transition(IDLE, Status.PENDING)
DELETED = Transition(IDLE, None)


def busy(model: AcousticModel) -> bool:
    """Tell whether the model handles another request, so that most others must wait."""
    return model.status in RUNNING or bool(model.analysing)


def allowed(model: AcousticModel, transition: Transition) -> bool:
    """Tell whether the row, as it was read, may go that way."""
    return model.status in transition.sources and (transition.while_analysing or not model.analysing)


def _condition(transition: Transition) -> Condition:
    condition: Condition = AcousticModel.status.is_in(*transition.sources)
    if not transition.while_analysing:
        condition &= AcousticModel.analysing.does_not_exist()
    return condition


def _same_data(model: AcousticModel) -> Condition:
    """Hold while the audio resources are those that the caller has judged."""
    if not model.data_version:
        return AcousticModel.data_version.does_not_exist()
    same: Condition = AcousticModel.data_version == model.data_version
    return same


def _this_run(transition: Transition, run: int) -> Condition:
    condition: Condition = _condition(transition)
    condition &= AcousticModel.run == run
    return condition


def _data_changed(now: datetime) -> list[Action]:
    return [
        AcousticModel.data_version.set(uuid.uuid4().hex),
        AcousticModel.updated.set(now),
        AcousticModel.error.remove(),
    ]


def _run_over() -> list[Action]:
    return [
        AcousticModel.stage.remove(),
        AcousticModel.seconds_left.remove(),
        AcousticModel.former_status.remove(),
        AcousticModel.cancel_requested.set(False),
    ]


def audio_accepted(model: AcousticModel, upload_id: str, now: datetime) -> Update:
    """Audio has been taken in and will be analysed."""
    return Update(
        model,
        _condition(AUDIO_ACCEPTED) & (AcousticModel.generation == model.generation),
        [
            AcousticModel.analysing.add({upload_id}),
            AcousticModel.status.set(Status.PENDING),
            *_data_changed(now),
        ],
    )


def analysis_ended(model: AcousticModel, upload_id: str, now: datetime) -> Update:
    """One of several analyses has ended; the status waits for the last."""
    return Update(
        model,
        _condition(ANALYSIS_ENDED)
        & AcousticModel.analysing.contains(upload_id)
        & (AcousticModel.analysing != {upload_id}),
        [AcousticModel.analysing.delete({upload_id}), *_data_changed(now)],
    )


def last_analysis_ended(model: AcousticModel, upload_id: str, any_valid: bool, now: datetime) -> Update:
    """The only analysis has ended; `any_valid` was judged on the data version of `model`."""
    return Update(
        model,
        _condition(ANALYSIS_ENDED) & (AcousticModel.analysing == {upload_id}) & _same_data(model),
        [
            AcousticModel.analysing.remove(),
            AcousticModel.status.set(Status.READY if any_valid else Status.PENDING),
            *_data_changed(now),
        ],
    )


def audio_removed(model: AcousticModel, upload_id: str, any_valid: bool, now: datetime) -> Update:
    """A resource is gone, its analysis with it; `any_valid` was judged on the data version of `model`."""
    others = (model.analysing or set()) - {upload_id}
    status = Status.READY if any_valid and not others else Status.PENDING
    return Update(
        model,
        _condition(AUDIO_REMOVED) & _same_data(model),
        [
            AcousticModel.analysing.delete({upload_id}),
            AcousticModel.status.set(status),
            *_data_changed(now),
        ],
    )


def training_refused(model: AcousticModel, reason: str, now: datetime) -> Update:
    """The data that was judged cannot be trained on."""
    return Update(
        model,
        _condition(TRAINING_REFUSED) & _same_data(model),
        [
            AcousticModel.status.set(Status.FAILED),
            AcousticModel.error.set(reason),
            AcousticModel.updated.set(now),
        ],
    )


def _begin(transition: Transition, model: AcousticModel, base_version: str, now: datetime) -> Update:
    assert transition.target is not None
    former = Status.READY if model.status == Status.PENDING else model.status
    actions: list[Action] = [
        AcousticModel.status.set(transition.target),
        AcousticModel.former_status.set(former),
        AcousticModel.run.set(int(model.run) + 1),
        AcousticModel.run_started.set(now),
        AcousticModel.run_base_version.set(base_version),
        AcousticModel.job_name.remove(),
        AcousticModel.cancel_requested.set(False),
        AcousticModel.progress.set(0),
        AcousticModel.stage.remove(),
        AcousticModel.seconds_left.remove(),
        AcousticModel.updated.set(now),
    ]
    if model.data_version:
        actions.append(AcousticModel.run_data_version.set(model.data_version))
    condition = _this_run(transition, int(model.run)) & (AcousticModel.status == model.status)
    return Update(model, condition & _same_data(model), actions)


def training_begun(model: AcousticModel, now: datetime) -> Update:
    """Claim the model for its next run, on the data that was judged and the version it is on."""
    return _begin(TRAINING_BEGUN, model, model.versions[-1], now)


def upgrade_begun(model: AcousticModel, base_version: str, now: datetime) -> Update:
    """Claim the model for a run on a newer base version."""
    return _begin(UPGRADE_BEGUN, model, base_version, now)


def upgraded_at_once(model: AcousticModel, base_version: str, now: datetime) -> Update:
    """A model that was never trained goes over to a newer base version."""
    return Update(
        model,
        _condition(UPGRADED_AT_ONCE) & (AcousticModel.versions == list(model.versions)),
        [
            AcousticModel.versions.set([*model.versions, base_version]),
            AcousticModel.updated.set(now),
        ],
    )


def run_succeeded(model: AcousticModel, sha256: str, now: datetime) -> Update:
    """The current run (training or upgrade, as the row says) is promoted."""
    actions: list[Action] = [
        AcousticModel.promoted_run.set(int(model.run)),
        AcousticModel.promoted_version.set(model.run_base_version or model.versions[-1]),
        AcousticModel.promoted_sha256.set(sha256),
        AcousticModel.promoted_at.set(now),
        AcousticModel.reported_run.set(int(model.run)),
        AcousticModel.updated.set(now),
        AcousticModel.error.remove(),
        *_run_over(),
    ]
    if model.run_data_version:
        actions.append(AcousticModel.trained_data_version.set(model.run_data_version))
    if model.status == Status.UPGRADING:
        transition, status = UPGRADE_SUCCEEDED, model.former_status or Status.AVAILABLE
        if model.run_base_version not in model.versions:
            actions.append(AcousticModel.versions.set([*model.versions, model.run_base_version]))
    else:
        transition, status = TRAINING_SUCCEEDED, Status.AVAILABLE
    actions += [
        AcousticModel.status.set(status),
        AcousticModel.progress.set(100 if status == Status.AVAILABLE else 0),
    ]
    return Update(model, _this_run(transition, int(model.run)), actions)


def run_failed(model: AcousticModel, reason: str, reported: bool, now: datetime) -> Update:
    """The current run has come to nothing; what was promoted before goes on serving."""
    if model.status == Status.UPGRADING:
        transition, status = UPGRADE_FAILED, model.former_status or Status.READY
    else:
        transition, status = TRAINING_FAILED, Status.FAILED
    actions: list[Action] = [
        AcousticModel.status.set(status),
        AcousticModel.error.set(reason),
        AcousticModel.progress.set(0),
        AcousticModel.updated.set(now),
        *_run_over(),
    ]
    if reported:
        actions.append(AcousticModel.reported_run.set(int(model.run)))
    return Update(model, _this_run(transition, int(model.run)), actions)


def run_cancelled(model: AcousticModel, now: datetime) -> Update:
    """The current run was stopped because its user wanted it; the model is what it was before."""
    transition = UPGRADE_FAILED if model.status == Status.UPGRADING else TRAINING_CANCELLED
    return Update(
        model,
        _this_run(transition, int(model.run)),
        [
            AcousticModel.status.set(model.former_status or Status.READY),
            AcousticModel.progress.set(0),
            AcousticModel.updated.set(now),
            *_run_over(),
        ],
    )


def cancel_requested(model: AcousticModel) -> Update:
    """The user wants the current run stopped; the status waits for the job."""
    condition = AcousticModel.status.is_in(*RUNNING) & (AcousticModel.run == int(model.run))
    return Update(model, condition, [AcousticModel.cancel_requested.set(True)])


def progressed(
    model: AcousticModel, run: int, progress: float, stage: str | None, seconds_left: float | None
) -> Update:
    """The current run says how far it is; only forward, only while it runs."""
    return Update(
        model,
        AcousticModel.status.is_in(*RUNNING)
        & (AcousticModel.run == run)
        & (AcousticModel.progress <= progress),
        [
            AcousticModel.progress.set(progress),
            AcousticModel.stage.remove() if stage is None else AcousticModel.stage.set(stage),
            AcousticModel.seconds_left.remove()
            if seconds_left is None
            else AcousticModel.seconds_left.set(seconds_left),
        ],
    )


def job_created(model: AcousticModel, run: int, job_name: str) -> Update:
    """The training job of the current run exists."""
    return Update(
        model,
        AcousticModel.status.is_in(*RUNNING) & (AcousticModel.run == run),
        [AcousticModel.job_name.set(job_name)],
    )


def reset(model: AcousticModel, now: datetime) -> Update:
    """Audio and trained state are gone from this write on; rows and objects are cleared away afterwards."""
    return Update(
        model,
        _condition(RESET) & (AcousticModel.generation == int(model.generation)),
        [
            AcousticModel.status.set(Status.PENDING),
            AcousticModel.generation.set(int(model.generation) + 1),
            AcousticModel.progress.set(0),
            AcousticModel.trained_data_version.remove(),
            AcousticModel.promoted_run.remove(),
            AcousticModel.promoted_version.remove(),
            AcousticModel.promoted_sha256.remove(),
            AcousticModel.promoted_at.remove(),
            AcousticModel.reported_run.remove(),
            *_data_changed(now),
        ],
    )


def deleted(model: AcousticModel) -> Delete:
    """The model is gone from this write on."""
    return Delete(model, _condition(DELETED))
