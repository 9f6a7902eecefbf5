"""Works on test sets and evaluations: reads, recognises piece by piece, and puts the results together."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib import settings
from chalicelib.customization.errors import UnknownCustomModel, UnknownResource
from chalicelib.evaluation import contenders, evaluations, hearing, limits, statuses, test_sets, wording
from chalicelib.evaluation.contenders import Contender
from chalicelib.evaluation.errors import EvaluationRefused
from chalicelib.evaluation.hearing import NotHeard
from chalicelib.evaluation.recordings import listing, sentences, unpacking
from chalicelib.evaluation.recordings.chosen_audio import ChosenAudio
from chalicelib.evaluation.recordings.listing import ListedUtterance, UtteranceListing
from chalicelib.evaluation.results import comparing, picture, scoring
from chalicelib.evaluation.statuses import EvaluationStatus, SetStatus
from chalicelib.evaluation.wording import Wording
from chalicelib.recognition.request import backend
from chalicelib.recognition.request.backend import RecognitionFailed
from chalicelib.sharing import meter, usage
from chalicelib.sharing.usage import AudioBudgetSpent
from chalicelib.storage import layout, objects, queues, scratch
from chalicelib.storage.conditional import Add, ConditionFailed, Update, write
from chalicelib.storage.layout import TestSetKey
from chalicelib.storage.tables import AcousticModel, Evaluation, TestSet

_log = logging.getLogger(__name__)
GIVEN_UP = (
    "It could not be read because of an internal error. Upload it again; if that fails too, tell the "
    "operator."
)
_SET_GONE = "The test set was deleted while the evaluation was at work on it."
_AUDIO_GONE = "The model, or its audio, was deleted while the evaluation was at work on it."
_GIVEN_UP = (
    "The evaluation could not be finished because of an internal error. Make it again; if that fails too, "
    "tell the operator."
)
_OUR_FAULT = 500


def read(owner: str, test_set_id: str, *, last_attempt: bool) -> SetStatus | None:
    """Read a test set that was uploaded; returns its status afterwards, None if it is gone.

    May be called twice, late, or several times at once: whoever is first counts, and all find the same.
    """
    row = test_sets.find(owner, test_set_id)
    if row is None or row.status != SetStatus.PROCESSING:
        return None if row is None else SetStatus(row.status)
    key = test_sets.key_of(row)
    found = unpacking.UnpackedTestSet(error=GIVEN_UP) if last_attempt else _unpacked(row)
    usage.add(owner, found.decoded_s)
    kept, more = listing.bounded(found.findings, limits.FINDINGS)
    used = [] if found.error else found.utterances
    UtteranceListing(tuple(used), kept, more).store(key.listing_key)
    texts = [one.text or "" for one in used]
    script = wording.script_of(" ".join(texts))
    actions = [
        TestSet.utterances.set(len(used)),
        TestSet.duration_s.set(sum(one.duration_s for one in used)),
        TestSet.words.set(sum(len(text.split()) for text in texts)),
        TestSet.left_out.set(len(found.findings)),
        *([TestSet.script.set(script)] if script else []),
        *([TestSet.least_rate_hz.set(found.least_rate_hz)] if found.least_rate_hz else []),
        *([TestSet.error.set(found.error)] if found.error else []),
    ]
    status = SetStatus.INVALID if found.error else SetStatus.AVAILABLE
    try:
        write(statuses.set_read(row, status, actions, _now()))
    except ConditionFailed:
        if test_sets.find(owner, test_set_id) is None:
            test_sets.clear_away(row)
            return None
    objects.delete(key.upload_key)
    return status


def _unpacked(row: TestSet) -> unpacking.UnpackedTestSet:
    key = test_sets.key_of(row)
    with scratch.folder() as folder:
        path = Path(folder, "upload")
        try:
            objects.download(key.upload_key, path)
        except objects.ObjectNotFound:
            return unpacking.UnpackedTestSet(error="The archive did not arrive completely. Upload it again.")
        return unpacking.read(
            path,
            row.contained_content_type,
            row.owner,
            lambda number, file: objects.upload(file, key.audio_key(number)),
        )


def work(
    owner: str, evaluation_id: str, piece: int | None = None, *, last_attempt: bool
) -> EvaluationStatus | None:
    """Do what is to be done next for an evaluation, or one piece of it; returns its status afterwards.

    None: it is gone. May be called twice, late, or several times at once: what is done is not done again.

    Raises:
        RecognitionFailed: recognition did not succeed, but may when tried again.
        sharing.held.TooMuchHeld: the owner's recordings take too much room at the moment.
    """
    row = evaluations.find(owner, evaluation_id)
    if row is None:
        return None
    if row.status in statuses.ENDED:
        return _settled(row)
    try:
        usage.check(owner)
        return _next_step(row, piece)
    except AudioBudgetSpent as spent:
        delay_s = min(spent.retry_after_s, queues.LONGEST_DELAY_S)
        evaluations.announce(row, piece, delay_s=delay_s)
        return EvaluationStatus(row.status)
    except (EvaluationRefused, NotHeard) as refused:
        return fail(row, str(refused))
    except (UnknownCustomModel, UnknownResource):
        return fail(row, _AUDIO_GONE)
    except objects.ObjectNotFound:
        if evaluations.find(owner, evaluation_id) is None:
            return _settled(row)
        return fail(row, _SET_GONE if row.kind == evaluations.TEST_SET else _AUDIO_GONE)
    except RecognitionFailed as failure:
        if failure.code == _OUR_FAULT and last_attempt:
            return fail(row, str(failure))
        raise
    except Exception:
        if not last_attempt:
            raise
        _log.exception("evaluation %s", evaluation_id)
        return fail(row, _GIVEN_UP)


def _next_step(row: Evaluation, piece: int | None) -> EvaluationStatus | None:
    """Cut the work into pieces, or do one of them; after the last one, put the results together."""
    models = contenders.from_json(row.models)
    if row.status == EvaluationStatus.WAITING:
        batches = hearing.batches(_prepared(row, models))
        if _moved(statuses.cut(row, len(batches) * len(models), _now())):
            evaluations.announce_again(row)
        return _settled(row)
    left = evaluations.pieces_left(row)
    if piece is None and left:  # whoever cut it may have died before it could say so
        evaluations.announce_again(row)
        return _settled(row)
    if piece is not None and piece in left:
        _hear(row, models, piece)
        if not _moved(statuses.piece_done(row, piece, _now())):
            return _settled(row)
        evaluations.announce_next_piece(row)
    if evaluations.pieces_left(row):
        return _settled(row)
    audio_s = _put_together(row, models)
    used = [backend.used(model.serving.to_json(), audio_s) for model in models]
    _moved(statuses.completed(row, _now()), *meter.adding(row.owner, *used))
    return _settled(row)


def _prepared(row: Evaluation, models: Sequence[Contender]) -> Sequence[ListedUtterance]:
    """Return what is to be recognised; of a comparison it is cut out of the recordings first."""
    if row.kind == evaluations.TEST_SET:
        return _listing(row).utterances
    chosen = ChosenAudio.from_json(row.customization_id or "", row.audio or "{}")
    found = sentences.cut(row.owner, row.evaluation_id, chosen, models[-1].serving.base_version)
    found.store(evaluations.key_of(row).listing_key)
    return found.utterances


def _listing(row: Evaluation) -> UtteranceListing:
    if row.kind == evaluations.TEST_SET:
        return UtteranceListing.fetch(TestSetKey(row.owner, row.test_set_id or "").listing_key)
    return UtteranceListing.fetch(evaluations.key_of(row).listing_key)


def _hear(row: Evaluation, models: Sequence[Contender], piece: int) -> None:
    batch = hearing.batches(_listing(row).utterances)[piece // len(models)]
    key = evaluations.key_of(row)
    of_set = TestSetKey(row.owner, row.test_set_id or "")
    heard = hearing.hear(
        batch,
        models[piece % len(models)],
        of_set.audio_key if row.kind == evaluations.TEST_SET else key.audio_key,
        owner=row.owner,
        at_once=settings.current().evaluation_at_once,
    )
    hearing.store(key.piece_key(piece), heard)


def _put_together(row: Evaluation, models: Sequence[Contender]) -> float:
    """Store the results; return how many seconds of audio each model has heard."""
    key, found = evaluations.key_of(row), _listing(row)
    heard = [
        hearing.fetch([key.piece_key(piece) for piece in range(model, int(row.pieces or 0), len(models))])
        for model in range(len(models))
    ]
    labels = [model.label for model in models]
    words = Wording(models[0].language)
    if row.kind == evaluations.TEST_SET:
        results = scoring.results(found.utterances, labels, heard, words)
    else:
        left_out = [f"{one.file}: {one.message}" if one.file else one.message for one in found.findings[:10]]
        results = comparing.results(
            found.utterances, labels, heard, words, report=_report(row), findings=left_out
        )
        shown = {one["number"] for one in results["sentences"]}
        objects.delete(*(key.audio_key(one.number) for one in found.utterances if one.number not in shown))
    objects.put(key.results_key, json.dumps(results, ensure_ascii=False).encode(), "application/json")
    objects.put(key.picture_key, picture.drawn(results, row.name), "image/svg+xml")
    return sum(one.duration_s for one in found.utterances)


def _report(row: Evaluation) -> dict[str, Any] | None:
    """Return the report of the training that made the compared model; None: it is gone."""
    try:
        model = AcousticModel.get(row.owner, row.customization_id, consistent_read=True)
        key = layout.report_key(row.owner, model.customization_id, int(model.promoted_run or 0))
        report: dict[str, Any] = json.loads(objects.get(key))
    except (AcousticModel.DoesNotExist, objects.ObjectNotFound):
        return None
    return report


def fail(row: Evaluation, reason: str) -> EvaluationStatus | None:
    """Give an evaluation up; returns its status, None if it is gone."""
    _log.info("evaluation %s failed: %s", row.evaluation_id, reason)
    _moved(statuses.failed(row, reason, _now()))
    return _settled(row)


def _settled(row: Evaluation) -> EvaluationStatus | None:
    """Remove what an ended evaluation needs no more; everything, if it was deleted meanwhile."""
    current = evaluations.find(row.owner, row.evaluation_id)
    key = evaluations.key_of(row)
    if current is None:
        evaluations.clear_away(row)
        return None
    if current.status == EvaluationStatus.FAILED:
        objects.delete_below(key.prefix)
    elif current.status == EvaluationStatus.COMPLETED:
        objects.delete_below(key.pieces_prefix)
    return EvaluationStatus(current.status)


def _moved(change: Update, *together: Add) -> bool:
    try:
        write(change, *together)
    except ConditionFailed:
        return False
    return True


def _now() -> datetime:
    return datetime.now(UTC)
