"""States of test sets and evaluations: which event leads from where to where, each one conditional write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from chalicelib.storage.conditional import Action, Condition, Update
from chalicelib.storage.tables import Evaluation, TestSet


class SetStatus(StrEnum):
    """Of a test set, as a client sees it."""

    PROCESSING = "processing"
    AVAILABLE = "available"
    INVALID = "invalid"


class EvaluationStatus(StrEnum):
    """Of an evaluation, as a client sees it."""

    WAITING = "waiting"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


@dataclass(frozen=True)
class EvaluationTransition:
    """One line of the table: where an event may happen, and where it leads."""

    sources: tuple[EvaluationStatus, ...]
    target: EvaluationStatus


OPEN = (EvaluationStatus.WAITING, EvaluationStatus.PROCESSING)
ENDED = (EvaluationStatus.COMPLETED, EvaluationStatus.FAILED)

# A test set is read once: processing -> available or invalid.
# event of an evaluation  from                                      to
CUT = EvaluationTransition(
    (EvaluationStatus.WAITING,), EvaluationStatus.PROCESSING
)  # once: into pieces that are all yet to be done
PIECE_DONE = EvaluationTransition((EvaluationStatus.PROCESSING,), EvaluationStatus.PROCESSING)
COMPLETED = EvaluationTransition((EvaluationStatus.PROCESSING,), EvaluationStatus.COMPLETED)
FAILED = EvaluationTransition(OPEN, EvaluationStatus.FAILED)


def set_read(test_set: TestSet, status: SetStatus, found: Sequence[Action], now: datetime) -> Update:
    """What a test set holds is known."""
    condition: Condition = TestSet.status == SetStatus.PROCESSING
    return Update(test_set, condition, [TestSet.status.set(status), TestSet.updated.set(now), *found])


def cut(evaluation: Evaluation, pieces: int, now: datetime) -> Update:
    """It is known what is to be recognised."""
    left = [Evaluation.pieces_left.set(set(range(pieces)))] if pieces else []
    return _moved(evaluation, CUT, now, [Evaluation.pieces.set(pieces), *left])


def piece_done(evaluation: Evaluation, piece: int, now: datetime) -> Update:
    """What was heard in one piece is known; to say so twice changes nothing."""
    return _moved(evaluation, PIECE_DONE, now, [Evaluation.pieces_left.delete({piece})])


def completed(evaluation: Evaluation, now: datetime) -> Update:
    """The results lie in the bucket."""
    return _moved(evaluation, COMPLETED, now, [Evaluation.pieces_left.remove()])


def failed(evaluation: Evaluation, reason: str, now: datetime) -> Update:
    """There are no results, for a reason that the client can read."""
    return _moved(evaluation, FAILED, now, [Evaluation.pieces_left.remove(), Evaluation.error.set(reason)])


def _moved(
    evaluation: Evaluation, transition: EvaluationTransition, now: datetime, actions: Sequence[Action]
) -> Update:
    condition: Condition = Evaluation.status.is_in(*transition.sources)
    return Update(
        evaluation,
        condition,
        [Evaluation.status.set(transition.target), Evaluation.updated.set(now), *actions],
    )
