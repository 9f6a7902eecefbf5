"""Whose turn it is to train: a limited number at once, in all and for each owner; the others wait in line.

run       event                           becomes
-         claimed                         waiting: a row in the line, and no `turn` in its model's row
waiting   a place is free (`serve`)       at work: in the ledger, and `turn` says since when
waiting   it ends (cancelled, or failed)  -
at work   it ends                         -: its place is free

Each change is one transaction of the model's row with the line's: a run is never counted twice or forgotten,
and begins once. Whoever ends a run has the line served; nobody looks at it while nobody waits.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.customization import acoustic_models, statuses
from chalicelib.customization.custom_models import now
from chalicelib.storage.conditional import Change, Condition, ConditionFailed, Delete, Put, Update, write
from chalicelib.storage.tables import AcousticModel, TrainingTurn

_LINE = "acoustic"
_LEDGER = "0"
_BEHIND_THE_LEDGER = "1"
WAITING = "waiting for its turn to train"
_MOST_REMEMBERED = 500
"""Owners whose last turn is remembered, beyond those that wait or train; a row holds 400 KB."""


@dataclass(frozen=True)
class TrainingBudget:
    """How many trainings may go on at once; 0: any number."""

    in_all: int
    of_owner: int


@dataclass(frozen=True)
class Run:
    """A run that waits or is at work."""

    owner: str
    customization_id: str
    run: int

    @property
    def member(self) -> str:
        """Its name in the ledger."""
        return f"{self.owner}/{self.customization_id}/{self.run}"

    @classmethod
    def parse(cls, member: str) -> Run:
        """Read a name of the ledger."""
        owner, customization_id, run = member.split("/")
        return cls(owner, customization_id, int(run))


@dataclass(frozen=True)
class PlaceInLine:
    """Why a run waits."""

    ahead: int
    """How many of those that wait begin before it, as things are now."""
    owners_limit: bool
    """Its owner has as many at work as one may have: only an end of theirs lets it begin."""


def order(waiting: Sequence[Run], at_work: Sequence[Run], served: Sequence[str]) -> list[Run]:
    """Return those that wait in the order in which they begin.

    First comes the owner with the fewest trainings; of several, the one whose last turn is longest ago; of
    several that never had one, the one who has waited longest. Those of one owner begin as they came.

    Args:
        waiting: in the order in which they came.
        at_work: whose turn it is.
        served: owners in the order of their last turn.
    """
    lines: dict[str, deque[Run]] = {}
    for run in waiting:
        lines.setdefault(run.owner, deque()).append(run)
    count = Counter(run.owner for run in at_work)
    last_turn = {owner: number for number, owner in enumerate(served, 1)}
    arrival = {owner: number for number, owner in enumerate(lines)}
    turns, found = len(served), []
    while lines:
        owner = min(lines, key=lambda one: (count[one], last_turn.get(one, 0), arrival[one]))
        found.append(lines[owner].popleft())
        if not lines[owner]:
            del lines[owner]
        turns += 1
        count[owner], last_turn[owner] = count[owner] + 1, turns
    return found


def next_turn(
    waiting: Sequence[Run], at_work: Sequence[Run], served: Sequence[str], budget: TrainingBudget
) -> Run | None:
    """Return the run that begins now; None: nobody waits, or nobody who waits may."""
    if budget.in_all and len(at_work) >= budget.in_all:
        return None
    count = Counter(run.owner for run in at_work)
    may = [run for run in waiting if not budget.of_owner or count[run.owner] < budget.of_owner]
    return order(may, at_work, served)[0] if may else None


def join(model: AcousticModel) -> bool:
    """Put a model's current run into the line; may be repeated. False: it is over, or at work already."""
    row = _row_of(model)
    free: Condition = TrainingTurn.place.does_not_exist()
    waits = statuses.noted(
        model, int(model.run), [AcousticModel.stage.set(WAITING)], AcousticModel.turn.does_not_exist()
    )
    try:
        write(Put(row, free | (TrainingTurn.run == row.run)), waits)
    except ConditionFailed:
        return False
    return True


def serve(budget: TrainingBudget) -> Iterator[AcousticModel]:
    """Give their turn to as many as the budget allows; yields the row of each, which is to be launched."""
    while True:
        ledger = _ledger()
        rows = _waiting()
        waiting = {_run_of(row): row for row in rows}
        chosen = next_turn(list(waiting), _at_work(ledger), list(ledger.served), budget)
        if chosen is None:
            return
        moment = now()
        model = acoustic_models.find(chosen.owner, chosen.customization_id)
        if model is None or not _waits(model, chosen.run):
            _drop(waiting[chosen])
            continue
        given = statuses.noted(
            model,
            chosen.run,
            [AcousticModel.turn.set(moment), AcousticModel.stage.remove()],
            AcousticModel.turn.does_not_exist(),
        )
        try:
            write(_taken(ledger, chosen, waiting), Delete(waiting[chosen], _there()), given)
        except ConditionFailed:
            continue  # somebody else was quicker, or it was cancelled
        yield acoustic_models.get(chosen.owner, chosen.customization_id)


def places(models: Sequence[AcousticModel], budget: TrainingBudget) -> dict[str, PlaceInLine]:
    """Return, by customization id, why those of an owner's models wait that do; asks only if any may."""
    if not any(_waits(model, int(model.run)) and not model.job_name for model in models):
        return {}
    ledger = _ledger()
    at_work = _at_work(ledger)
    in_order = order([_run_of(row) for row in _waiting()], at_work, list(ledger.served))
    own = Counter(run.owner for run in at_work)
    wanted = {model.customization_id for model in models}
    return {
        run.customization_id: PlaceInLine(ahead, bool(budget.of_owner) and own[run.owner] >= budget.of_owner)
        for ahead, run in enumerate(in_order)
        if run.customization_id in wanted
    }


def length() -> tuple[int, int]:
    """Return how many runs wait, and how many are at work."""
    return len(_waiting()), len(_at_work(_ledger()))


def anyone_waits() -> bool:
    """Tell whether there is a line."""
    behind = TrainingTurn.place > _BEHIND_THE_LEDGER
    return any(True for _ in TrainingTurn.query(_LINE, behind, limit=1, consistent_read=True))


def ending(model: AcousticModel, change: Update) -> list[Change]:
    """Return the end of a model's current run together with what it means for the line.

    Fails like `change` when the run is given its turn between the reading of `model` and the writing.
    """
    if not model.turn:
        unchanged: Condition = AcousticModel.turn.does_not_exist()
        left: Change = Delete(_row_of(model), _always())
    else:
        unchanged = AcousticModel.turn.exists()
        left = _released(_run(model))
    return [replace(change, condition=change.condition & unchanged), left]


def tidy() -> int:
    """Free the places of runs that are over although nobody said so: of rows that were removed by hand."""
    freed = 0
    for run in _at_work(_ledger()):
        model = acoustic_models.find(run.owner, run.customization_id)
        if model is None or model.run != run.run or model.status not in statuses.RUNNING:
            write(_released(run))
            freed += 1
    return freed


def _waits(model: AcousticModel, run: int) -> bool:
    return model.run == run and model.status in statuses.RUNNING and not model.turn


def _run(model: AcousticModel) -> Run:
    return Run(model.owner, model.customization_id, int(model.run))


def _run_of(row: TrainingTurn) -> Run:
    assert row.owner is not None and row.customization_id is not None and row.run is not None
    return Run(row.owner, row.customization_id, int(row.run))


def _row_of(model: AcousticModel) -> TrainingTurn:
    """Return the row with which the current run of a model waits; always the same one."""
    began: datetime = model.run_started or model.updated
    return TrainingTurn(
        _LINE,
        f"{began.isoformat(timespec='milliseconds')}/{model.owner}/{model.customization_id}",
        owner=model.owner,
        customization_id=model.customization_id,
        run=int(model.run),
    )


def _ledger() -> TrainingTurn:
    try:
        return TrainingTurn.get(_LINE, _LEDGER, consistent_read=True)
    except TrainingTurn.DoesNotExist:
        return TrainingTurn(_LINE, _LEDGER)


def _at_work(ledger: TrainingTurn) -> list[Run]:
    return [Run.parse(member) for member in sorted(ledger.at_work or ())]


def _waiting() -> list[TrainingTurn]:
    return list(TrainingTurn.query(_LINE, TrainingTurn.place > _BEHIND_THE_LEDGER, consistent_read=True))


def _taken(ledger: TrainingTurn, run: Run, waiting: dict[Run, Any]) -> Update:
    needed = {one.owner for one in (*waiting, *_at_work(ledger))}
    others = [owner for owner in ledger.served if owner != run.owner]
    forgotten = max(0, len(others) - _MOST_REMEMBERED)
    kept = [owner for number, owner in enumerate(others) if owner in needed or number >= forgotten]
    unchanged: Condition = (
        TrainingTurn.version.does_not_exist()
        if ledger.version is None
        else TrainingTurn.version == int(ledger.version)
    )
    return Update(
        ledger,
        unchanged,
        [
            TrainingTurn.at_work.add({run.member}),
            TrainingTurn.served.set([*kept, run.owner]),
            TrainingTurn.version.set(int(ledger.version or 0) + 1),
        ],
    )


def _released(run: Run) -> Update:
    ledger = TrainingTurn(_LINE, _LEDGER)
    return Update(
        ledger,
        _always(),
        [TrainingTurn.at_work.delete({run.member}), TrainingTurn.version.add(1)],
    )


def _drop(row: TrainingTurn) -> None:
    """Take a run out of the line that waits no longer, unless another run has the very same place."""
    try:
        write(Delete(row, TrainingTurn.run == int(row.run or 0)))
    except ConditionFailed:
        return


def _there() -> Condition:
    there: Condition = TrainingTurn.place.exists()
    return there


def _always() -> Condition:
    condition: Condition = TrainingTurn.place.exists() | TrainingTurn.place.does_not_exist()
    return condition
