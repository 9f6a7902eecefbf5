"""Follows a training: shows its progress, and applies the end of its job to the model."""

from __future__ import annotations

import json
import logging
import math
import re
from pathlib import Path

from chalicelib.customization import acoustic_models, runs, statuses
from chalicelib.engines import adapted_model, catalogue
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.storage import layout, objects, scratch
from chalicelib.storage.layout import RunKey
from chalicelib.storage.tables import AcousticModel
from chalicelib.training import ends, jobs

logger = logging.getLogger(__name__)

MAX_REASON_CHARACTERS = 1024
STOPPED = "The training was stopped by the operator of this service. Train again."
DAMAGED = (
    "The training has left a model that cannot be used. Train again; if it fails again, tell the operator."
)
PLATFORM_FAILED = "The training machine failed. Train again; if it fails again, tell the operator."
TOO_SLOW = "The training took longer than allowed. Train with less audio, or ask the operator for more time."
NO_CAPACITY = "No training machine was to be had in time. Train again later."
NO_QUOTA = (
    "The AWS account of this service may use no training machine of the kind that is needed. Tell its "
    "operator, who has to have a quota raised, and train again then."
)

# SageMaker wraps what the container wrote to its failure file.
_CONTAINER_FAILED = re.compile(r"AlgorithmError:(?P<reason>.*?)(?:,?\s*exit code: -?\d+)?\s*", re.DOTALL)


class NotOverYet(Exception):
    """A job's end was announced, but the platform does not know of it yet. Ask again soon."""


def progressed(run: RunKey) -> bool:
    """Show what the run's container says of its progress; False when it says nothing new of a current run.

    Reads what lies in the bucket now, so that late and repeated news does no harm.
    """
    try:
        document = json.loads(objects.get(run.progress_key))
        progress, stage, seconds_left = (
            document["progress"],
            document.get("stage"),
            document.get("seconds_left"),
        )
        if not _finite(progress) or not (seconds_left is None or _finite(seconds_left)):
            raise ValueError("not a number")  # noqa: TRY301  # one answer to all that is malformed
    except (objects.ObjectNotFound, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        logger.warning("no readable progress under %s", run.progress_key)
        return False
    return runs.progressed(
        AcousticModel,
        run.owner,
        run.customization_id,
        run.run,
        # 100 is said when the model is promoted.
        progress=min(max(float(progress), 0.0), 99.0),
        stage=str(stage)[:200] if stage else None,
        seconds_left=None if seconds_left is None else max(float(seconds_left), 0.0),
    )


def ended(job_name: str) -> bool:
    """Promote or reject what a job has made that is said to have come to its end.

    Asks the platform for the job: the announcement may lack the artefact, come twice, late, or out of order.
    Returns False when that changed nothing: unknown jobs, runs that are over.

    Raises:
        NotOverYet: the job still runs; try again.
        jobs.PlatformUnavailable: try again.
    """
    job = jobs.describe(job_name) if jobs.is_name_of_a_run(job_name) else None
    if job is None:
        logger.warning("training job %s is none of ours", job_name)
        return False
    if not job.status.over:
        raise NotOverYet(job_name)
    return settle(job)


def settle(job: jobs.LaunchedJob) -> bool:
    """Bring a job's end to its model; False when the run was over already."""
    run = job.run
    model = acoustic_models.find(run.owner, run.customization_id)
    if model is None or model.run != run.run or model.status not in statuses.RUNNING:
        return False
    if model.cancel_requested:
        return ends.cancelled(run)
    if job.status is jobs.TrainingJobStatus.COMPLETED:
        return _promote(job, model)
    return ends.failed(run, failure_reason(job))


def failure_reason(job: jobs.LaunchedJob) -> str:
    """Return why a job failed or stopped, in words for the model's user."""
    if job.secondary_status == "MaxRuntimeExceeded":
        return TOO_SLOW
    if job.secondary_status == "MaxWaitTimeExceeded":
        return NO_CAPACITY
    if job.status is jobs.TrainingJobStatus.STOPPED:
        return STOPPED
    found = _CONTAINER_FAILED.fullmatch(job.failure_reason)
    reason = found["reason"].strip() if found else ""
    if not reason:
        logger.error("training job %s failed: %s", job.name, job.failure_reason)
        return PLATFORM_FAILED
    return reason[:MAX_REASON_CHARACTERS]


def _promote(job: jobs.LaunchedJob, model: AcousticModel) -> bool:
    run = job.run
    base_version = model.base_version_of_run
    model_key = layout.adapted_model_key(run.owner, run.customization_id, run.run)
    report_key = layout.report_key(run.owner, run.customization_id, run.run)
    with scratch.folder() as folder:
        path = Path(folder, "model.tar.gz")
        try:
            objects.download(job.artifact_key or f"{run.output_prefix}{job.name}/output/model.tar.gz", path)
            engine = catalogue.base_version(base_version).engine
            made = adapted_model.verify(path, engine=engine, base_version=base_version)
        except (objects.ObjectNotFound, ModelUnreadable):
            logger.exception("training job %s left no usable model", job.name)
            return ends.failed(run, DAMAGED)
        # Objects first, row last: whoever reads the row finds the objects.
        objects.upload(path, model_key)
        size_bytes = path.stat().st_size
        report = _report(made.report, job)
        objects.put(report_key, report, "application/json")
    promoted = ends.succeeded(run, sha256=made.sha256, size_bytes=size_bytes, report=json.loads(report))
    if not promoted:
        # Cancelled in the meantime; or another announcement of this same end has promoted the run.
        now = acoustic_models.find(run.owner, run.customization_id)
        if now is None or run.run not in now.kept_versions:
            objects.delete(model_key, report_key)
    return promoted


def _report(written: bytes, job: jobs.LaunchedJob) -> bytes:
    """Return a job's report with what only the platform knows: what it cost."""
    cost = None if job.cost is None else job.cost.to_json()
    return json.dumps({**json.loads(written), "cost": cost}, ensure_ascii=False, indent=1).encode()


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
