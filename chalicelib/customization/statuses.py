"""States of a custom model: which event leads from where to where, each one conditional write."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.storage.conditional import Action, Condition, Delete, Update
from chalicelib.storage.kept_version import KeptVersion
from chalicelib.storage.rows import CustomModel
from chalicelib.storage.tables import AcousticModel


class ModelStatus(StrEnum):
    """What a client sees; `analysing` of the row tells whether a resource is still being looked at."""

    PENDING = "pending"
    READY = "ready"
    TRAINING = "training"
    AVAILABLE = "available"
    UPGRADING = "upgrading"
    FAILED = "failed"


@dataclass(frozen=True)
class ModelTransition:
    """One line of the table: an event, where it may happen, where it leads."""

    sources: tuple[ModelStatus, ...]
    target: ModelStatus | None
    """None: decided by the data that is left, or the status before the run."""
    while_analysing: bool = False
    """Whether the event may happen while a resource is being analysed."""


IDLE = (ModelStatus.PENDING, ModelStatus.READY, ModelStatus.AVAILABLE, ModelStatus.FAILED)
RUNNING = (ModelStatus.TRAINING, ModelStatus.UPGRADING)

# event                          from                                     to
AUDIO_ACCEPTED = ModelTransition(IDLE, ModelStatus.PENDING, while_analysing=True)
AUDIO_REMOVED = ModelTransition(IDLE, None, while_analysing=True)  # ready if any audio is valid, else pending
ANALYSIS_ENDED = ModelTransition(IDLE, None, while_analysing=True)  # the same
LANGUAGE_ACCEPTED = ModelTransition(
    IDLE, ModelStatus.PENDING
)  # one corpus, grammar or batch of words at a time
LANGUAGE_CHANGED = ModelTransition(IDLE, None)  # ready if any corpus, grammar or word is valid, else pending
TRAINING_REFUSED = ModelTransition(IDLE, ModelStatus.FAILED)
TRAINING_BEGUN = ModelTransition(IDLE, ModelStatus.TRAINING)
TRAINING_SUCCEEDED = ModelTransition((ModelStatus.TRAINING,), ModelStatus.AVAILABLE)
TRAINING_FAILED = ModelTransition((ModelStatus.TRAINING,), ModelStatus.FAILED)
TRAINING_CANCELLED = ModelTransition((ModelStatus.TRAINING,), None)  # the former status
UPGRADED_AT_ONCE = ModelTransition(
    (ModelStatus.READY, ModelStatus.AVAILABLE), None
)  # unchanged: there is nothing to train
UPGRADE_BEGUN = ModelTransition((ModelStatus.READY, ModelStatus.AVAILABLE), ModelStatus.UPGRADING)
UPGRADE_SUCCEEDED = ModelTransition((ModelStatus.UPGRADING,), None)  # the former status
UPGRADE_FAILED = ModelTransition((ModelStatus.UPGRADING,), None)  # the former status
VERSION_CHOSEN = ModelTransition(
    IDLE, None, while_analysing=True
)  # unchanged: it says what becomes of the data
VERSIONS_CHANGED = ModelTransition((*IDLE, *RUNNING), None, while_analysing=True)  # unchanged
RESET = ModelTransition(IDLE, ModelStatus.PENDING)
DELETED = ModelTransition(IDLE, None)


def busy(model: CustomModel) -> bool:
    """Tell whether the model handles another request, so that most others must wait."""
    return model.status in RUNNING or bool(model.analysing)


def allowed(model: CustomModel, transition: ModelTransition) -> bool:
    """Tell whether the row, as it was read, may go that way."""
    return model.status in transition.sources and (transition.while_analysing or not model.analysing)


def _condition(transition: ModelTransition) -> Condition:
    condition: Condition = CustomModel.status.is_in(*transition.sources)
    if not transition.while_analysing:
        condition &= CustomModel.analysing.does_not_exist()
    return condition


def _same_data(model: CustomModel) -> Condition:
    """Hold while the resources are those that the caller has judged."""
    if not model.data_version:
        return CustomModel.data_version.does_not_exist()
    same: Condition = CustomModel.data_version == model.data_version
    return same


def _this_run(transition: ModelTransition, run: int) -> Condition:
    condition: Condition = _condition(transition)
    condition &= CustomModel.run == run
    return condition


def _data_changed(now: datetime, error: str | None = None) -> list[Action]:
    return [
        CustomModel.data_version.set(uuid.uuid4().hex),
        CustomModel.updated.set(now),
        CustomModel.error.remove() if error is None else CustomModel.error.set(error),
    ]


def _counted_anew() -> list[Action]:
    return [CustomModel.analysed_valid.remove(), CustomModel.analysed_invalid.remove()]


def _run_over() -> list[Action]:
    return [
        CustomModel.stage.remove(),
        CustomModel.seconds_left.remove(),
        CustomModel.former_status.remove(),
        CustomModel.cancel_requested.set(False),
    ]


def resource_accepted(
    transition: ModelTransition, model: CustomModel, upload_id: str, now: datetime
) -> Update:
    """An upload has been taken in and will be analysed."""
    return Update(
        model,
        _condition(transition) & (CustomModel.generation == model.generation),
        [
            CustomModel.analysing.add({upload_id}),
            CustomModel.status.set(ModelStatus.PENDING),
            *_data_changed(now),
        ],
    )


def analysis_ended(model: CustomModel, upload_id: str, valid: bool, now: datetime) -> Update:
    """One of several analyses has ended; the status waits for the last, which tells of all."""
    counter = CustomModel.analysed_valid if valid else CustomModel.analysed_invalid
    return Update(
        model,
        _condition(ANALYSIS_ENDED)
        & CustomModel.analysing.contains(upload_id)
        & (CustomModel.analysing != {upload_id}),
        [CustomModel.analysing.delete({upload_id}), counter.add(1), *_data_changed(now)],
    )


def last_analysis_ended(
    model: CustomModel, upload_id: str, any_valid: bool, now: datetime, error: str | None = None
) -> Update:
    """The only analysis has ended; `any_valid` was judged on the data version of `model`.

    `error` is what the model says is wrong with its data; the status does not depend on it.
    """
    return Update(
        model,
        _condition(ANALYSIS_ENDED) & (CustomModel.analysing == {upload_id}) & _same_data(model),
        [
            CustomModel.analysing.remove(),
            *_counted_anew(),
            CustomModel.status.set(ModelStatus.READY if any_valid else ModelStatus.PENDING),
            *_data_changed(now, error),
        ],
    )


def resource_removed(
    transition: ModelTransition, model: CustomModel, upload_id: str, any_valid: bool, now: datetime
) -> Update:
    """A resource is gone, its analysis with it; `any_valid` was judged on the data version of `model`."""
    others = (model.analysing or set()) - {upload_id}
    status = ModelStatus.READY if any_valid and not others else ModelStatus.PENDING
    return Update(
        model,
        _condition(transition) & _same_data(model),
        [
            CustomModel.analysing.delete({upload_id}),
            *([] if others else _counted_anew()),
            CustomModel.status.set(status),
            *_data_changed(now),
        ],
    )


def words_changed(model: CustomModel, any_valid: bool, now: datetime) -> Update:
    """A word was added, changed or deleted at once; `any_valid` was judged on the data version of `model`."""
    return Update(
        model,
        _condition(LANGUAGE_CHANGED) & _same_data(model),
        [
            CustomModel.status.set(ModelStatus.READY if any_valid else ModelStatus.PENDING),
            *_data_changed(now),
        ],
    )


def training_refused(model: CustomModel, reason: str, now: datetime) -> Update:
    """The data that was judged cannot be trained on."""
    return Update(
        model,
        _condition(TRAINING_REFUSED) & _same_data(model),
        [
            CustomModel.status.set(ModelStatus.FAILED),
            CustomModel.error.set(reason),
            CustomModel.updated.set(now),
        ],
    )


def _begin(
    transition: ModelTransition, model: CustomModel, base_version: str, now: datetime, also: Sequence[Action]
) -> Update:
    assert transition.target is not None
    former = ModelStatus.READY if model.status == ModelStatus.PENDING else model.status
    actions: list[Action] = [
        CustomModel.status.set(transition.target),
        CustomModel.former_status.set(former),
        CustomModel.run.set(int(model.run) + 1),
        CustomModel.run_started.set(now),
        CustomModel.run_base_version.set(base_version),
        CustomModel.cancel_requested.set(False),
        CustomModel.progress.set(0),
        CustomModel.stage.remove(),
        CustomModel.seconds_left.remove(),
        CustomModel.updated.set(now),
        *also,
    ]
    if model.data_version:
        actions.append(CustomModel.run_data_version.set(model.data_version))
    condition = _this_run(transition, int(model.run)) & (CustomModel.status == model.status)
    return Update(model, condition & _same_data(model), actions)


def training_begun(model: CustomModel, now: datetime, also: Sequence[Action] = ()) -> Update:
    """Claim the model for its next run, on the data that was judged and the version it is on.

    `also` changes attributes that only one kind of model has; so it does below.
    """
    return _begin(TRAINING_BEGUN, model, model.versions[-1], now, also)


def upgrade_begun(
    model: CustomModel, base_version: str, now: datetime, also: Sequence[Action] = ()
) -> Update:
    """Claim the model for a run on a newer base version."""
    return _begin(UPGRADE_BEGUN, model, base_version, now, also)


def upgraded_at_once(model: CustomModel, base_version: str, now: datetime) -> Update:
    """A model that was never trained goes over to a newer base version."""
    return Update(
        model,
        _condition(UPGRADED_AT_ONCE) & (CustomModel.versions == list(model.versions)),
        [
            CustomModel.versions.set([*model.versions, base_version]),
            CustomModel.updated.set(now),
        ],
    )


def after_success(model: CustomModel) -> str:
    """Return what becomes of a model whose current run is promoted."""
    upgrading = model.status == ModelStatus.UPGRADING
    return (model.former_status if upgrading else None) or ModelStatus.AVAILABLE


def after_failure(model: CustomModel) -> str:
    """Return what becomes of a model whose current run has come to nothing."""
    return (
        (model.former_status or ModelStatus.READY)
        if model.status == ModelStatus.UPGRADING
        else ModelStatus.FAILED
    )


def after_cancelling(model: CustomModel) -> str:
    """Return what becomes of a model whose current run was stopped."""
    return model.former_status or ModelStatus.READY


def run_succeeded(model: CustomModel, sha256: str, now: datetime, also: Sequence[Action] = ()) -> Update:
    """The current run (training or upgrade, as the row says) is promoted."""
    actions: list[Action] = [
        CustomModel.promoted_run.set(int(model.run)),
        CustomModel.promoted_version.set(model.base_version_of_run),
        CustomModel.promoted_sha256.set(sha256),
        CustomModel.promoted_at.set(now),
        CustomModel.updated.set(now),
        CustomModel.error.remove(),
        *_run_over(),
        *also,
    ]
    if model.promoted_run and model.promoted_version and model.promoted_version != model.run_base_version:
        # Another custom model may not have gone over to the newer version yet.
        actions += [
            CustomModel.older_run.set(int(model.promoted_run)),
            CustomModel.older_version.set(model.promoted_version),
            CustomModel.older_sha256.set(model.promoted_sha256),
        ]
    if model.run_data_version:
        actions.append(CustomModel.trained_data_version.set(model.run_data_version))
    status = after_success(model)
    transition = UPGRADE_SUCCEEDED if model.status == ModelStatus.UPGRADING else TRAINING_SUCCEEDED
    if model.status == ModelStatus.UPGRADING and model.run_base_version not in model.versions:
        actions.append(CustomModel.versions.set([*model.versions, model.run_base_version]))
    actions += [
        CustomModel.status.set(status),
        CustomModel.progress.set(100 if status == ModelStatus.AVAILABLE else 0),
    ]
    return Update(model, _this_run(transition, int(model.run)), actions)


def run_failed(model: CustomModel, reason: str, now: datetime) -> Update:
    """The current run has come to nothing; what was promoted before goes on serving."""
    transition = UPGRADE_FAILED if model.status == ModelStatus.UPGRADING else TRAINING_FAILED
    actions: list[Action] = [
        CustomModel.status.set(after_failure(model)),
        CustomModel.error.set(reason),
        CustomModel.progress.set(0),
        CustomModel.updated.set(now),
        *_run_over(),
    ]
    return Update(model, _this_run(transition, int(model.run)), actions)


def run_cancelled(model: CustomModel, now: datetime) -> Update:
    """The current run was stopped because its user wanted it; the model is what it was before."""
    transition = UPGRADE_FAILED if model.status == ModelStatus.UPGRADING else TRAINING_CANCELLED
    return Update(
        model,
        _this_run(transition, int(model.run)),
        [
            CustomModel.status.set(after_cancelling(model)),
            CustomModel.progress.set(0),
            CustomModel.updated.set(now),
            *_run_over(),
        ],
    )


def cancel_requested(model: CustomModel) -> Update:
    """The user wants the current run stopped; the status waits for the job."""
    condition = CustomModel.status.is_in(*RUNNING) & (CustomModel.run == int(model.run))
    return Update(model, condition, [CustomModel.cancel_requested.set(True)])


def progressed(
    model: CustomModel, run: int, progress: float, stage: str | None, seconds_left: float | None
) -> Update:
    """The current run says how far it is; only forward, only while it runs."""
    return Update(
        model,
        CustomModel.status.is_in(*RUNNING) & (CustomModel.run == run) & (CustomModel.progress <= progress),
        [
            CustomModel.progress.set(progress),
            CustomModel.stage.remove() if stage is None else CustomModel.stage.set(stage),
            CustomModel.seconds_left.remove()
            if seconds_left is None
            else CustomModel.seconds_left.set(seconds_left),
        ],
    )


def noted(model: CustomModel, run: int, changes: Sequence[Action], while_: Condition | None = None) -> Update:
    """Whoever does the current run keeps something in the row, while a condition holds; the status stays."""
    condition = CustomModel.status.is_in(*RUNNING) & (CustomModel.run == run)
    return Update(model, condition if while_ is None else condition & while_, changes)


def version_chosen(model: AcousticModel, chosen: KeptVersion, now: datetime) -> Update:
    """Another version serves from now on; of two who choose at the same moment, one does.

    Beside it, the newest that was trained on the base version before serves requests for that one.
    """
    actions: list[Action] = [
        AcousticModel.promoted_run.set(chosen.version),
        AcousticModel.promoted_version.set(chosen.base_version),
        AcousticModel.promoted_sha256.set(chosen.sha256),
        AcousticModel.promoted_at.set(now),
        AcousticModel.updated.set(now),
        *_older(_before(model, chosen)),
        AcousticModel.trained_data_version.set(chosen.data_version)
        if chosen.data_version
        else AcousticModel.trained_data_version.remove(),
        AcousticModel.trained_helper.set(chosen.helper)
        if chosen.helper
        else AcousticModel.trained_helper.remove(),
        AcousticModel.trained_helper_run.set(chosen.helper_run)
        if chosen.helper_run
        else AcousticModel.trained_helper_run.remove(),
    ]
    condition = _condition(VERSION_CHOSEN) & same_versions(model)
    return Update(model, condition & (AcousticModel.promoted_run == int(model.promoted_run or 0)), actions)


def versions_changed(model: AcousticModel, kept: Sequence[KeptVersion], now: datetime) -> Update:
    """The model keeps these versions from now on, of which its current one is one."""
    gone = set(model.kept_versions) - {one.version for one in kept}
    actions: list[Action] = [AcousticModel.kept.set([one.to_text() for one in kept])]
    if gone:
        actions.append(AcousticModel.removed_at.set(now))
    if model.older_run in gone:
        actions += _older(None)
    if model.reported_run in gone:
        actions.append(AcousticModel.reported_run.set(int(model.promoted_run or 0)))
    condition = _condition(VERSIONS_CHANGED) & same_versions(model)
    return Update(model, condition & (AcousticModel.promoted_run == int(model.promoted_run or 0)), actions)


def same_versions(model: AcousticModel) -> Condition:
    """Hold while the versions that are kept are those that were read."""
    if not model.kept:
        return AcousticModel.kept.does_not_exist()
    same: Condition = AcousticModel.kept == list(model.kept)
    return same


def _before(model: AcousticModel, chosen: KeptVersion) -> KeptVersion | None:
    """Return the newest version on the newest base version that comes before that of another one."""
    order = list(model.versions)
    if chosen.base_version not in order:
        return None
    earlier = order[: order.index(chosen.base_version)]
    older = [one for one in model.kept_versions.values() if one.base_version in earlier]
    return max(older, key=lambda one: (earlier.index(one.base_version), one.version), default=None)


def _older(version: KeptVersion | None) -> list[Action]:
    if version is None:
        return [
            AcousticModel.older_run.remove(),
            AcousticModel.older_version.remove(),
            AcousticModel.older_sha256.remove(),
        ]
    return [
        AcousticModel.older_run.set(version.version),
        AcousticModel.older_version.set(version.base_version),
        AcousticModel.older_sha256.set(version.sha256),
    ]


def reset(model: CustomModel, now: datetime, also: Sequence[Action] = ()) -> Update:
    """Resources and trained state are gone from this write on; rows and objects are cleared away later."""
    return Update(
        model,
        _condition(RESET) & (CustomModel.generation == int(model.generation)),
        [
            CustomModel.status.set(ModelStatus.PENDING),
            CustomModel.generation.set(int(model.generation) + 1),
            CustomModel.progress.set(0),
            CustomModel.trained_data_version.remove(),
            CustomModel.promoted_run.remove(),
            CustomModel.promoted_version.remove(),
            CustomModel.promoted_sha256.remove(),
            CustomModel.promoted_also.remove(),
            CustomModel.promoted_at.remove(),
            CustomModel.older_run.remove(),
            CustomModel.older_version.remove(),
            CustomModel.older_sha256.remove(),
            *also,
            *_data_changed(now),
        ],
    )


def deleted(model: CustomModel) -> Delete:
    """The model is gone from this write on."""
    return Delete(model, _condition(DELETED))
