"""Recovers trainings whose events were lost, or whose launch did not finish."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.customization.acoustic import acoustic_training
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import ends, follow, jobs, launch

_LAUNCH_TAKES = timedelta(seconds=30)
_MAX_WAIT = timedelta(days=1)
"""For how long a training machine is asked for."""


def recover(model: AcousticModel, now: datetime, *, restarted: bool = False) -> None:
    """Compare a model that is in a run with its job, and do what an event should have done. May be repeated.

    Args:
        model: its row.
        now: the present moment.
        restarted: whoever was launching a job may be gone.

    Raises:
        jobs.PlatformUnavailable: ask again later.
    """
    run = launch.run_of(model)
    job = jobs.describe(jobs.name_of(run))
    if job is None:
        # However long a run waits for its turn: a machine is asked for when it has it.
        waiting_for = now - (model.turn or model.run_started or now)
        if model.cancel_requested:
            ends.cancelled(run)
        elif model.turn and waiting_for > _MAX_WAIT:
            in_vain = (model.stage or "").startswith(f"{launch.WAITING}:")
            ends.failed(run, follow.NO_QUOTA if in_vain else follow.NO_CAPACITY)
        elif restarted or waiting_for > _LAUNCH_TAKES:
            launch.resume(model)
    elif job.status.over:
        follow.settle(job)
    else:
        if not model.job_name:
            acoustic_training.job_created(run.owner, run.customization_id, run.run, job.name)
        if model.cancel_requested and job.status is jobs.TrainingJobStatus.IN_PROGRESS:
            jobs.stop(job.name)
        follow.progressed(run)
