"""States of a recognition job: which event leads from where to where, each one conditional write."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.storage.conditional import Action, Condition, Delete, Update
from chalicelib.storage.tables import RecognitionJob


class JobStatus(StrEnum):
    """What a client sees."""

    WAITING = "waiting"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class JobEvent(StrEnum):
    """What a client can be told of."""

    STARTED = "recognitions.started"
    COMPLETED = "recognitions.completed"
    COMPLETED_WITH_RESULTS = "recognitions.completed_with_results"
    FAILED = "recognitions.failed"


@dataclass(frozen=True)
class JobTransition:
    """One line of the table: an event, where it may happen, where it leads, who may want to be told."""

    sources: tuple[JobStatus, ...]
    target: JobStatus | None
    """None: the job is gone."""
    told: tuple[JobEvent, ...] = ()


_TOLD_FOR_S = 73 * 3600
"""A job that has expired stays for as long as its callback may still have to be told of it."""
OPEN = (JobStatus.WAITING, JobStatus.PROCESSING)
ENDED = (JobStatus.COMPLETED, JobStatus.FAILED)

# event                   from                                                     to
BEGUN = JobTransition((JobStatus.WAITING,), JobStatus.PROCESSING, (JobEvent.STARTED,))
CUT = JobTransition(
    (JobStatus.PROCESSING,), JobStatus.PROCESSING
)  # once: into pieces that are all yet to be done
PIECE_DONE = JobTransition((JobStatus.PROCESSING,), JobStatus.PROCESSING)
COMPLETED = JobTransition(
    (JobStatus.PROCESSING,), JobStatus.COMPLETED, (JobEvent.COMPLETED, JobEvent.COMPLETED_WITH_RESULTS)
)
FAILED = JobTransition((JobStatus.PROCESSING,), JobStatus.FAILED, (JobEvent.FAILED,))
DELETED = JobTransition((JobStatus.WAITING, JobStatus.COMPLETED, JobStatus.FAILED), None)


def _condition(transition: JobTransition) -> Condition:
    condition: Condition = RecognitionJob.status.is_in(*transition.sources)
    return condition


def _moved(job: RecognitionJob, transition: JobTransition, now: datetime) -> list[Action]:
    """Return what every transition changes; whom to tell is noted in the same write, so none is forgotten."""
    assert transition.target is not None
    actions: list[Action] = [
        RecognitionJob.status.set(transition.target),
        RecognitionJob.updated.set(now),
    ]
    told = [event for event in transition.told if event in (job.events or ())]
    if job.callback_url and told:
        due = RecognitionJob.notifications
        actions.append(due.set(due.append([str(event) for event in told])))
        actions.append(RecognitionJob.notify_at.set(RecognitionJob.notify_at | int(now.timestamp())))
    return actions


def _ended(job: RecognitionJob, transition: JobTransition, now: datetime) -> list[Action]:
    expires = int((now + timedelta(minutes=int(job.results_ttl_minutes))).timestamp())
    return [
        *_moved(job, transition, now),
        RecognitionJob.expires.set(expires),
        RecognitionJob.removed.set(expires + (_TOLD_FOR_S if job.callback_url else 0)),
        RecognitionJob.pieces_left.remove(),
    ]


def begun(job: RecognitionJob, now: datetime) -> Update:
    """Somebody works on the job."""
    return Update(job, _condition(BEGUN), _moved(job, BEGUN, now))


def cut(job: RecognitionJob, pieces: int, audio_s: float, now: datetime) -> Update:
    """The recording is long: its pieces are recognised one by one."""
    return Update(
        job,
        _condition(CUT) & RecognitionJob.pieces.does_not_exist(),
        [
            *_moved(job, CUT, now),
            RecognitionJob.pieces.set(pieces),
            RecognitionJob.audio_s.set(audio_s),
            RecognitionJob.pieces_left.set(set(range(pieces))),
        ],
    )


def piece_done(job: RecognitionJob, piece: int, now: datetime) -> Update:
    """What was said in one piece is known; to say so twice changes nothing."""
    return Update(
        job,
        _condition(PIECE_DONE),
        [*_moved(job, PIECE_DONE, now), RecognitionJob.pieces_left.delete({piece})],
    )


def completed(job: RecognitionJob, now: datetime) -> Update:
    """The results lie in the bucket."""
    return Update(job, _condition(COMPLETED), _ended(job, COMPLETED, now))


def failed(job: RecognitionJob, reason: str, now: datetime) -> Update:
    """There are no results, for a reason that the client can read."""
    return Update(job, _condition(FAILED), [*_ended(job, FAILED, now), RecognitionJob.error.set(reason)])


def deleted(job: RecognitionJob) -> Delete:
    """The client wants the job gone."""
    return Delete(job, _condition(DELETED))


def wanted(events: Collection[JobEvent]) -> list[str]:
    """Return events as a row keeps them: each once, in the order of the table."""
    return [str(event) for event in JobEvent if event in events]
