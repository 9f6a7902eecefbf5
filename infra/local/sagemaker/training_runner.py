"""Runs training jobs one after another: a program under the `/opt/ml` contract."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.local.processes import child
from infra.local.sagemaker.training_files import CheckpointSync, DownloadFailed, lay_out, upload_model
from infra.local.sagemaker.training_jobs import TrainingJob, TrainingJobs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_LOG = logging.getLogger(__name__)
_SYNC_EVERY_S = 0.5
_LOOK_EVERY_S = 0.1
_GRACE_S = 120.0
"""From SIGTERM to SIGKILL, as SageMaker has it."""
_SHUTDOWN_GRACE_S = 2.0
"""The same when the whole service ends: what is not in a checkpoint by then is done again."""
_RETRY_S = 1.0
_MAX_REASON_CHARACTERS = 1024
_MAX_SERVICE_RESTARTS = 20
"""A job that was running each of so many times when the service died is taken for the cause."""
_WITHHELD = ("AWS_", "ATTUNE_INTERNAL", "ATTUNE_API")

PROGRAM = (sys.executable, "-m", "training_image.train")


@dataclass(frozen=True)
class _Outcome:
    """How the program ended."""

    status: int
    timed_out: bool
    trained_s: float


class Runner:
    """Works off the jobs in the order of their creation, in the calling thread."""

    def __init__(
        self,
        jobs: TrainingJobs,
        folder: Path,
        make_client: Callable[[], S3Client],
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """Take the jobs and a folder for what they work on; a client is made when the first job needs it."""
        self._jobs = jobs
        self._folder = folder
        self._make_client = make_client
        self._program = program
        self._shutting_down = False

    @functools.cached_property
    def _client(self) -> S3Client:
        return self._make_client()

    def shut_down(self) -> None:
        """End the program that runs; its job goes on at the next start. `run` returns soon."""
        self._shutting_down = True
        with self._jobs.changed:
            self._jobs.changed.notify_all()

    def run(self) -> None:
        """Work until `shut_down` is called."""
        while not self._shutting_down:
            job = self._next()
            if job is None:
                with self._jobs.changed:
                    if self._next() is None and not self._shutting_down:
                        self._jobs.changed.wait()
                continue
            try:
                self._step(job)
            except _waited_out():
                # The store restarts, or the disk is full: neither is the job's fault.
                _LOG.exception("%s has to wait", job.name)
                time.sleep(_RETRY_S)
            except Exception:  # noqa: BLE001  one job's trouble must not keep the others waiting
                _LOG.exception("%s cannot be run", job.name)
                self._give_up(job.name)
            _clear_if_over(self._jobs, self._folder / job.name)

    def _next(self) -> TrainingJob | None:
        return next((job for job in self._jobs if not job.over), None)

    def _step(self, job: TrainingJob) -> None:
        if job.status == "Stopping":
            self._end(job.name, "Stopped", "Stopped")
        elif job.interruptions > _MAX_SERVICE_RESTARTS:
            self._fail(job.name, "InternalServerError: the machine failed each time that the job ran.")
        else:
            self._train(job)

    def _train(self, job: TrainingJob) -> None:
        name, root = job.name, self._folder / job.name / "ml"
        started = {} if job.started_s else {"started_s": time.time()}
        if not self._enter(name, "Downloading", **started):
            return  # it was stopped at this moment
        try:
            lay_out(root, job.request, self._client)
        except DownloadFailed as error:
            self._fail(name, f"ClientError: Data download failed: {error}")
            return
        self._enter(name, "Training")
        checkpoints = job.request.get("CheckpointConfig")
        sync = (
            CheckpointSync(root / "checkpoints", checkpoints["S3Uri"], self._client) if checkpoints else None
        )
        outcome = self._execute(job, root, sync)
        if sync is not None:
            sync.once()
        self._conclude(job, root, outcome)

    def _conclude(self, job: TrainingJob, root: Path, outcome: _Outcome) -> None:
        name, trained_s = job.name, job.trained_s + outcome.trained_s
        now = self._jobs.get(name) or job
        failure = root / "output" / "failure"
        if outcome.status == 0:
            self._enter(name, "Uploading")
            artifact = upload_model(root, job.request, self._client)
            self._end(name, "Completed", "Completed", artifact=artifact, trained_s=trained_s)
        elif now.status == "Stopping":
            self._end(name, "Stopped", "Stopped", trained_s=trained_s)
        elif outcome.timed_out:
            self._end(name, "Stopped", "MaxRuntimeExceeded", trained_s=trained_s)
        elif self._shutting_down:
            self._jobs.update(name, "Interrupted", trained_s=trained_s)
        elif failure.exists():
            text = failure.read_text(errors="replace").strip()
            self._fail(name, f"AlgorithmError: {text}, exit code: {outcome.status}")
        elif outcome.status < 0 and now.crashes < _retries(job):
            _LOG.warning("%s was killed by signal %d and goes on", name, -outcome.status)
            self._jobs.update(name, "Interrupted", crashes=now.crashes + 1, trained_s=trained_s)
        elif outcome.status < 0:
            self._fail(name, f"InternalServerError: the program was killed by signal {-outcome.status}.")
        else:
            self._fail(name, f"AlgorithmError: , exit code: {outcome.status}")

    def _execute(self, job: TrainingJob, root: Path, sync: CheckpointSync | None) -> _Outcome:
        """Run the program to its end, whichever that is."""
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(_WITHHELD)},
            **job.request.get("Environment", {}),
            "ATTUNE_TRAINING_ROOT": str(root),
            "TRAINING_JOB_NAME": job.name,
            "TRAINING_JOB_ARN": job.arn,
        }
        limit_s = job.request["StoppingCondition"].get("MaxRuntimeInSeconds", 86400) - job.trained_s
        with (self._folder / f"{job.name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "infra.local.processes.tether", str(os.getpid()), *self._program],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=child.ROOT,
                start_new_session=True,
            )
        began_s, synced_s, asked_s = time.monotonic(), time.monotonic(), 0.0
        timed_out = False
        try:
            while process.poll() is None:
                now_s = time.monotonic()
                timed_out = timed_out or now_s - began_s > limit_s
                wanted = timed_out or self._shutting_down or self._is_stopping(job.name)
                if wanted and not asked_s:
                    process.terminate()
                    asked_s = now_s
                grace_s = _SHUTDOWN_GRACE_S if self._shutting_down else _GRACE_S
                if asked_s and now_s - asked_s > grace_s:
                    _kill_group(process.pid)
                if sync is not None and now_s - synced_s > _SYNC_EVERY_S:
                    synced_s = now_s
                    # What could not be uploaded now is tried again, at the latest before the job's end.
                    with contextlib.suppress(*_waited_out()):
                        sync.once()
                time.sleep(_LOOK_EVERY_S)
        finally:
            # Nothing that the program started outlives it, and it does not outlive what watches it.
            _kill_group(process.pid)
            process.wait()
        return _Outcome(process.returncode, timed_out, time.monotonic() - began_s)

    def _is_stopping(self, name: str) -> bool:
        job = self._jobs.get(name)
        return job is not None and job.status == "Stopping"

    def _enter(self, name: str, secondary_status: str, **changes: Any) -> bool:
        """Show what happens to a job, unless it is shown as stopping; False when it is over."""
        with self._jobs.changed:
            job = self._jobs.get(name)
            if job is None or job.over:
                return False
            if job.status != "Stopping":
                self._jobs.update(name, secondary_status, **changes)
            return True

    def _end(self, name: str, status: str, secondary_status: str, **changes: Any) -> None:
        self._jobs.update(name, secondary_status, status=status, ended_s=time.time(), **changes)

    def _give_up(self, name: str) -> None:
        """End a job that meets a fault of the platform's own."""
        try:
            self._fail(name, "InternalServerError: the job could not be run.")
        except OSError:
            _LOG.exception("the end of %s cannot be noted yet", name)
            time.sleep(_RETRY_S)

    def _fail(self, name: str, reason: str) -> None:
        self._end(name, "Failed", "Failed", failure_reason=reason[:_MAX_REASON_CHARACTERS])


def _waited_out() -> tuple[type[Exception], ...]:
    """Return what passes by itself. boto3 takes a dozen megabytes, and is needed only where jobs run."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    return (Boto3Error, BotoCoreError, ClientError, OSError)


def resume_interrupted(jobs: TrainingJobs) -> None:
    """Note which jobs lost their machine when the service was killed; they go on from their checkpoints."""
    for job in list(jobs):
        if job.status == "InProgress" and job.secondary_status not in ("Pending", "Interrupted"):
            jobs.update(job.name, "Interrupted", interruptions=job.interruptions + 1)


def clear_left_over(jobs: TrainingJobs, folder: Path) -> None:
    """Remove the working folders that a kill left of jobs that are over."""
    for path in folder.iterdir():
        if path.is_dir():
            _clear_if_over(jobs, path)


def _clear_if_over(jobs: TrainingJobs, path: Path) -> None:
    job = jobs.get(path.name)
    if job is None or job.over:
        shutil.rmtree(path, ignore_errors=True)


def _retries(job: TrainingJob) -> int:
    return int(job.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 1))


def _kill_group(process_id: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process_id, signal.SIGKILL)
