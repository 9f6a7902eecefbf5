"""Works on a recognition job: has its audio recognised and keeps the results."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from chalicelib.jobs import notifications, recognition_jobs, statuses
from chalicelib.jobs.statuses import JobStatus
from chalicelib.recognition.function.kept_results import Keeping
from chalicelib.recognition.request import backend
from chalicelib.recognition.request.backend import RecognitionFailed
from chalicelib.sharing import meter
from chalicelib.storage import objects
from chalicelib.storage.conditional import Add, ConditionFailed, Update, write
from chalicelib.storage.tables import RecognitionJob

_log = logging.getLogger(__name__)
_LATER = (429, 503)
_OUR_FAULT = 500


def work(owner: str, job_id: str, piece: int | None = None, *, last_attempt: bool) -> JobStatus | None:
    """Do what is to be done next for a job, or decode a piece of it; return its status afterwards.

    None: the job is gone. May be called twice, late, or several times at once: what is done already is not
    done again, and what is done twice at the same moment gives the same.

    Raises:
        RecognitionFailed: recognition did not succeed, but may when tried again.
    """
    job = recognition_jobs.find(owner, job_id)
    if job is None:
        return None
    if job.status in statuses.ENDED:
        return _settled(job)  # whoever ended it may have died before it could clear away
    if job.status == JobStatus.WAITING and not _moved(statuses.begun(job, _now())):
        return work(owner, job_id, piece, last_attempt=last_attempt)
    try:
        return _next_step(job, piece)
    except RecognitionFailed as failure:
        # Without capacity the job waits: the reconciler takes it up again until a day has passed.
        if failure.code in _LATER or (failure.code == _OUR_FAULT and not last_attempt):
            raise
        return fail(job, str(failure))


def _next_step(job: RecognitionJob, piece: int | None) -> JobStatus | None:
    """Cut the recording, or decode one piece; after the last piece, put them together."""
    if not job.pieces:
        answer = _ask(job)
        if "pieces" not in answer:
            return _complete(job, answer.get("audio_s", 0.0))
        if _moved(statuses.cut(job, answer["pieces"], answer.get("audio_s", 0.0), _now())):
            recognition_jobs.announce_again(job)
        return _settled(job)
    left = recognition_jobs.pieces_left(job)
    if piece is None and left:  # whoever cut the recording may have died before it could say so
        recognition_jobs.announce_again(job)
        return _settled(job)
    if piece is not None and piece in left:
        _ask(job, piece=piece)
        if not _moved(statuses.piece_done(job, piece, _now())):
            return _settled(job)
        recognition_jobs.announce_next_piece(job)
    if recognition_jobs.pieces_left(job):
        return JobStatus.PROCESSING
    _ask(job, pieces=int(job.pieces))
    return _complete(job, float(job.audio_s))


def _ask(job: RecognitionJob, **step: int) -> dict[str, Any]:
    """Have the recognition function do a step; results it puts where they are kept."""
    key = recognition_jobs.key_of(job)
    keeping = Keeping(key.results_key, job.created.timestamp(), tuple(job.warnings))
    asked = {"prefix": key.pieces_prefix, "keep": keeping.to_json(), **step}
    return backend.ask({**json.loads(job.request), "owner": job.owner, "step": asked})


def fail(job: RecognitionJob, reason: str) -> JobStatus | None:
    """Give a job up; returns its status, None if it is gone."""
    _log.info("job %s failed: %s", job.job_id, reason)
    _moved(statuses.failed(job, reason, _now()))
    return _settled(job)


def give_up(job: RecognitionJob, reason: str) -> None:
    """Fail a job that nobody has had the time for."""
    _moved(statuses.begun(job, _now()))
    fail(job, reason)


def _complete(job: RecognitionJob, audio_s: float) -> JobStatus | None:
    used = [backend.used(json.loads(job.request), audio_s)] if audio_s else []
    _moved(statuses.completed(job, _now()), *meter.adding(job.owner, *used))
    return _settled(job)


def _settled(job: RecognitionJob) -> JobStatus | None:
    """Remove what an ended job needs no more; everything, if it was deleted meanwhile."""
    current = recognition_jobs.find(job.owner, job.job_id)
    if current is None:
        recognition_jobs.clear_away(job)
        return None
    if current.status in statuses.ENDED:
        key = recognition_jobs.key_of(job)
        objects.delete(key.audio_key)
        if current.pieces:
            objects.delete_below(key.pieces_prefix)
    return JobStatus(current.status)


def _moved(change: Update, *together: Add) -> bool:
    try:
        write(change, *together)
    except ConditionFailed:
        return False
    row = change.row
    assert isinstance(row, RecognitionJob)
    job = recognition_jobs.find(row.owner, row.job_id) if together else row  # several leave it as it was
    if job is not None and job.notify_at is not None:
        notifications.announce(job)
    return True


def _now() -> datetime:
    return datetime.now(UTC)
