"""The current run (training or upgrade) of a custom model of either kind: how far it is, and how it ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.customization import custom_models, statuses, training_ends, turns
from chalicelib.customization.custom_models import Model, now
from chalicelib.customization.errors import NotTraining, UpgradeRefused
from chalicelib.customization.training_ends import RunEnd, TrainingEvent
from chalicelib.storage.conditional import (
    Action,
    Add,
    Change,
    Condition,
    ConditionFailed,
    Contended,
    Update,
    write,
)
from chalicelib.storage.rows import CustomModel
from chalicelib.storage.tables import AcousticModel

_ATTEMPTS = 10


@dataclass(frozen=True)
class Beside:
    """What happens together with the promotion of a run."""

    actions: Sequence[Action] = ()
    """Change more of the row."""
    condition: Condition | None = None
    """Must hold; else the row is read anew."""
    told: Mapping[str, Any] = field(default_factory=dict)
    """To those who are told of the end."""
    metered: Sequence[Add] = ()
    """What it counts on the owner's meter."""


def _nothing(model: CustomModel) -> Beside:
    return Beside()


_NAMED = 20
"""Names in one message: all of tens of thousands do not fit into a row."""


def some_of(names: Sequence[str]) -> str:
    """Return the first of some names, in words for their user, and how many more there are."""
    more = len(names) - _NAMED
    return f"[{', '.join(names[:_NAMED])}{f' and {more} more' if more > 0 else ''}]"


def trained_already(model: CustomModel) -> bool:
    """Tell whether the model has been trained on exactly its present data, on its present base version."""
    return (
        model.status == statuses.ModelStatus.AVAILABLE
        and model.trained_data_version == model.data_version
        and model.promoted_version == model.versions[-1]
    )


def upgradable(model: CustomModel, kind: str, empty: str | None) -> str:
    """Return the base version that the model can be upgraded to.

    Args:
        model: it is not busy.
        kind: acoustic | language.
        empty: what a model without any data is said to lack; None: there is some.

    Raises:
        UpgradeRefused: the model is up-to-date, has no data, or is in a state without an upgrade.
        NotServed: this installation does without the engine of its version, and has no newer one.
    """
    newest = custom_models.newest_version(model)
    custom_models.check_loadable(model, newest)
    if model.versions[-1] == newest:
        raise UpgradeRefused(
            f"The custom {kind} model is up-to-date: '{model.customization_id}' is on {newest}."
        )
    if empty is not None:
        raise UpgradeRefused(f"No input data available for upgrade: the custom model contains no {empty}.")
    if not statuses.allowed(model, statuses.UPGRADE_BEGUN):
        raise UpgradeRefused(
            "A custom model can be upgraded while it is 'ready' or 'available', "
            f"but '{model.customization_id}' is '{model.status}'."
        )
    return newest


def noted(kind: type[Model], owner: str, customization_id: str, run: int, changes: Sequence[Action]) -> bool:
    """Keep something in the row of the current run; False when that run is over."""
    model = current(kind, owner, customization_id, run)
    return model is not None and attempt(statuses.noted(model, run, changes))


def progressed(
    kind: type[Model],
    owner: str,
    customization_id: str,
    run: int,
    *,
    progress: float,
    stage: str | None = None,
    seconds_left: float | None = None,
) -> bool:
    """Show how far the current run is, in percent; False for older news and for runs that are over."""
    model = current(kind, owner, customization_id, run)
    progress = min(max(progress, 0.0), 100.0)
    return model is not None and attempt(statuses.progressed(model, run, progress, stage, seconds_left))


def succeeded(
    kind: type[Model],
    owner: str,
    customization_id: str,
    run: int,
    *,
    sha256: str,
    beside: Callable[[Model], Beside] = _nothing,
) -> bool:
    """Promote the run (a training or an upgrade); False when it is over or another one is current.

    `sha256` is that of the promoted artefact, which lies under its key in `storage.layout` already. `beside`
    returns what else happens, by the row as it is at the moment.
    """

    def end(model: Model, moment: datetime) -> list[Change]:
        more = beside(model)
        change = statuses.run_succeeded(model, sha256, moment, more.actions)
        if more.condition is not None:
            change = replace(change, condition=change.condition & more.condition)
        end_of_run = RunEnd(TrainingEvent.COMPLETED, statuses.after_success(model), moment, more.told)
        return [*_ended(model, change, end_of_run), *more.metered]

    return _end(kind, owner, customization_id, run, end)


def failed(kind: type[Model], owner: str, customization_id: str, run: int, error: str) -> bool:
    """End the run with a reason for the model's user; False when it is over or another one is current."""

    def end(model: Model, moment: datetime) -> list[Change]:
        end_of_run = RunEnd(TrainingEvent.FAILED, statuses.after_failure(model), moment, {"error": error})
        return _ended(model, statuses.run_failed(model, error, moment), end_of_run)

    return _end(kind, owner, customization_id, run, end)


def cancelled(kind: type[Model], owner: str, customization_id: str, run: int) -> bool:
    """End the run as its user asked; the model is what it was before. False when it is over already."""

    def end(model: Model, moment: datetime) -> list[Change]:
        end_of_run = RunEnd(TrainingEvent.CANCELLED, statuses.after_cancelling(model), moment)
        return _ended(model, statuses.run_cancelled(model, moment), end_of_run)

    return _end(kind, owner, customization_id, run, end)


def _ended(model: CustomModel, change: Update, end: RunEnd) -> list[Change]:
    """Return the end of a run with what belongs to it: an acoustic one gives its turn back and is told of."""
    if not isinstance(model, AcousticModel):
        return [change]
    return [*turns.ending(model, change), *training_ends.notices(model, end)]


def _end(
    kind: type[Model],
    owner: str,
    customization_id: str,
    run: int,
    end: Callable[[Model, datetime], Sequence[Change]],
) -> bool:
    for _ in range(_ATTEMPTS):
        model = current(kind, owner, customization_id, run)
        if model is None:
            return False
        try:
            write(*end(model, now()))
        except ConditionFailed:
            continue  # it is over, or was given its turn in between: the row says which
        return True
    raise Contended


def request_cancel(kind: type[Model], owner: str, customization_id: str) -> Model:
    """Note that the user wants the current run stopped; returns the row of the run to be stopped.

    Raises:
        MalformedId, UnknownModel: see `custom_models.get`.
        NotTraining: the model is in no run.
    """
    model = custom_models.get(kind, owner, customization_id)
    try:
        write(statuses.cancel_requested(model))
    except ConditionFailed:
        raise NotTraining(customization_id) from None
    return model


def current(kind: type[Model], owner: str, customization_id: str, run: int) -> Model | None:
    """Return the model if that is its current run, else None."""
    model = custom_models.find(kind, owner, customization_id)
    if model is None or model.run != run or model.status not in statuses.RUNNING:
        return None
    return model


def attempt(change: Update) -> bool:
    """Make a change; False when the row is not, or no longer, as the change requires."""
    try:
        write(change)
    except ConditionFailed:
        return False
    return True
