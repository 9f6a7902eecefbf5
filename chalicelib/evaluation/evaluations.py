"""Evaluations: taken in, found, listed, removed, with everything that belongs to them."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chalicelib import settings
from chalicelib.evaluation import contenders, limits, statuses
from chalicelib.evaluation.contenders import Contender
from chalicelib.evaluation.errors import NothingThere, TooMany, UnknownEvaluation
from chalicelib.evaluation.statuses import EvaluationStatus
from chalicelib.jobs import window
from chalicelib.jobs.recognition_jobs import new_id
from chalicelib.storage import failures, objects, queues, rounds
from chalicelib.storage.conditional import ConditionFailed, Delete, Put, Update, write
from chalicelib.storage.layout import EvaluationKey, TestSetKey
from chalicelib.storage.tables import Evaluation

_log = logging.getLogger(__name__)

TEST_SET, COMPARISON = "test_set", "comparison"


@dataclass(frozen=True)
class Material:
    """What models are measured or compared on."""

    kind: str
    """`TEST_SET` or `COMPARISON`."""
    test_set_id: str | None = None
    customization_id: str | None = None
    """The custom model whose recordings they are."""
    audio: str | None = None
    """JSON: which of them; see `sentences`."""
    customer_ids: frozenset[str] = frozenset()
    """Labels of whose data they are."""


def create(
    owner: str, name: str, material: Material, chosen: Sequence[Contender], customer_id: str | None
) -> Evaluation:
    """Take in an evaluation, and have it worked on.

    Raises:
        TooMany: there are 200 evaluations already, or 10 that are not over.
    """
    now = datetime.now(UTC)
    labels = set(material.customer_ids) | ({customer_id} if customer_id else set())
    row = Evaluation(
        owner,
        new_id(),
        name=name,
        kind=material.kind,
        status=EvaluationStatus.WAITING,
        created=now,
        updated=now,
        test_set_id=material.test_set_id,
        customization_id=material.customization_id,
        audio=material.audio,
        models=contenders.to_json(chosen),
        customer_ids=labels or None,
    )
    with contextlib.suppress(ConditionFailed):  # of a new id: a try whose answer was lost did it
        write(Put(row, Evaluation.evaluation_id.does_not_exist()))
    try:
        _check_room(owner)  # afterwards, whoever else makes one at this moment
    except TooMany:
        write(Delete(row, Evaluation.evaluation_id.exists()))
        raise
    try:
        announce(row)
    except failures.FAILURES:
        # It is taken in: the reconciler announces it again.
        _log.warning("evaluation %s could not be announced", row.evaluation_id, exc_info=True)
    return row


def _check_room(owner: str) -> None:
    rows = of_owner(owner)
    if len(rows) > limits.EVALUATIONS_PER_OWNER:
        raise TooMany(
            f"You have {limits.EVALUATIONS_PER_OWNER} evaluations, the most that one may have. "
            "Delete one first."
        )
    if sum(row.status in statuses.OPEN for row in rows) > limits.OPEN_PER_OWNER:
        raise TooMany(
            f"{limits.OPEN_PER_OWNER} evaluations of yours are not over, the most that may be at once. "
            "Wait for one of them, or delete one."
        )


def announce(row: Evaluation, piece: int | None = None, *, delay_s: int = 0) -> None:
    """Have somebody work on an evaluation, or on one piece of it, after some seconds."""
    message: dict[str, Any] = {"owner": row.owner, "evaluation": row.evaluation_id}
    if piece is not None:
        message["piece"] = piece
    queues.send(settings.current().evaluation_queue, message, delay_s=delay_s)


def announce_again(row: Evaluation) -> None:
    """Have somebody do all that is still to be done for an evaluation whose messages may be lost."""
    left = pieces_left(row)
    for piece in window.first(left, settings.current().pieces_at_once):
        announce(row, piece)
    if not left:
        announce(row)


def announce_next_piece(row: Evaluation) -> None:
    """Let the next piece follow one that was done just now: so many are announced as may be at once."""
    for piece in window.following(pieces_left(row), settings.current().pieces_at_once):
        announce(row, piece)


def note_announced(row: Evaluation, now: datetime) -> None:
    """Remember that its messages were sent again, so that they are not sent again at once."""
    with contextlib.suppress(ConditionFailed):  # it is gone
        write(Update(row, Evaluation.evaluation_id.exists(), [Evaluation.announced.set(now)]))


def give_up(row: Evaluation, reason: str, now: datetime) -> None:
    """Fail an evaluation that nobody has had the time for."""
    with contextlib.suppress(ConditionFailed):  # it has ended, or is gone
        write(statuses.failed(row, reason, now))


def pieces_left(row: Evaluation) -> list[int]:
    """Return the numbers of the pieces that are not done yet, in order."""
    return sorted(int(piece) for piece in row.pieces_left or ())


def progress(row: Evaluation) -> int:
    """Return how much is done, in percent."""
    if row.status == EvaluationStatus.COMPLETED:
        return 100
    pieces = int(row.pieces or 0)
    return int(99 * (pieces - len(row.pieces_left or ())) / pieces) if pieces else 0


def find(owner: str, evaluation_id: str) -> Evaluation | None:
    """Return an evaluation; None: there is no such one."""
    try:
        return Evaluation.get(owner, evaluation_id, consistent_read=True)
    except Evaluation.DoesNotExist:
        return None


def get(owner: str, evaluation_id: str) -> Evaluation:
    """Return an evaluation.

    Raises:
        UnknownEvaluation: the owner has no such one.
    """
    row = find(owner, evaluation_id)
    if row is None:
        raise UnknownEvaluation(evaluation_id)
    return row


def of_owner(owner: str) -> list[Evaluation]:
    """Return the owner's evaluations, newest first."""
    return list(Evaluation.query(owner, scan_index_forward=False, consistent_read=True))


def with_artefact(owner: str, key: str) -> list[Evaluation]:
    """Return the owner's evaluations of a custom model's artefact, newest first."""
    return [row for row in of_owner(owner) if key in row.models]


def results(row: Evaluation) -> dict[str, Any]:
    """Return what a completed evaluation has found.

    Raises:
        UnknownEvaluation: it was deleted just now.
    """
    try:
        found: dict[str, Any] = json.loads(objects.get(key_of(row).results_key))
    except objects.ObjectNotFound:
        raise UnknownEvaluation(row.evaluation_id) from None
    return found


def picture(row: Evaluation) -> bytes:
    """Return the results as SVG.

    Raises:
        NothingThere: the evaluation is not completed.
    """
    try:
        return objects.get(key_of(row).picture_key)
    except objects.ObjectNotFound:
        raise NothingThere("There is a picture when the evaluation is completed.") from None


def audio(row: Evaluation, number: int) -> tuple[bytes, str]:
    """Return the audio of an utterance that the results show, and its content type.

    Raises:
        NothingThere: there is none of that number, or the test set is gone.
    """
    shown = results(row) if row.status == EvaluationStatus.COMPLETED else {}
    entries = shown.get("utterances", shown.get("sentences", ()))
    entry = next((one for one in entries if one["number"] == number), None)
    if entry is None:
        raise NothingThere(f"The results of this evaluation show no utterance with the number {number}.")
    try:
        if row.kind == COMPARISON:
            return objects.get(key_of(row).audio_key(number)), "audio/wav"
        key = TestSetKey(row.owner, row.test_set_id or "").audio_key(number)
        return objects.get(key), entry["content_type"]
    except objects.ObjectNotFound:
        raise NothingThere("The audio is gone: the test set was deleted.") from None


def delete(owner: str, evaluation_id: str) -> None:
    """Remove an evaluation; whoever works on it finds it gone and keeps nothing.

    Raises:
        UnknownEvaluation: there is no such one.
    """
    row = get(owner, evaluation_id)
    with contextlib.suppress(ConditionFailed):  # gone: a try whose answer was lost did it, or somebody else
        write(Delete(row, Evaluation.evaluation_id.exists()))
    clear_away(row)


def needs(owner: str, key: str) -> bool:
    """Tell whether an evaluation of an owner that is not over recognises with the artefact under a key."""
    open_with_it = Evaluation.status.is_in(*statuses.OPEN) & Evaluation.models.contains(key)
    found = Evaluation.query(owner, filter_condition=open_with_it, limit=1, consistent_read=True)
    return next(iter(found), None) is not None


def clear_away(row: Evaluation) -> None:
    """Remove the objects of an evaluation whose row is gone; what cannot be removed now goes as an orphan."""
    try:
        objects.delete_below(key_of(row).prefix)
    except failures.FAILURES:
        _log.warning("could not clear away evaluation %s", row.evaluation_id, exc_info=True)


def erase(owner: str, customer_id: str, until: datetime) -> bool:
    """Remove the evaluations of labelled data that were made before a moment; always succeeds."""
    for row in Evaluation.query(
        owner, filter_condition=Evaluation.customer_ids.contains(customer_id), consistent_read=True
    ):
        if row.created <= until:
            objects.delete_below(key_of(row).prefix)
            row.delete()
    return True


def open_ones(every_s: float) -> Iterator[Evaluation]:
    """Yield the evaluations of all owners that are not over, of very many a share; see `rounds`."""
    yield from rounds.this_round(Evaluation, Evaluation.status.is_in(*statuses.OPEN), every_s)


def key_of(row: Evaluation) -> EvaluationKey:
    """Return where the objects of an evaluation lie."""
    return EvaluationKey(row.owner, row.evaluation_id)
