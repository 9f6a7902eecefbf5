"""Training jobs as SageMaker describes them, one file each, so that a kill loses none."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from infra.local.events import ACCOUNT, REGION
from infra.local.store.journal import sync_directory

RUNNING = frozenset({"InProgress", "Stopping"})
_MESSAGES = {
    "Pending": "Waiting for the training job before it",
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training in-progress",
    "Uploading": "Uploading generated training model",
    "Interrupted": "The machine went away; the job goes on from its checkpoints",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "The training job ran longer than its limit",
    "Failed": "Training job failed",
}


@dataclass(frozen=True)
class TrainingJob:
    """A job: what was asked for, and where it stands. Times are Unix seconds."""

    request: dict[str, Any]
    status: str = "InProgress"
    secondary_status: str = "Pending"
    transitions: tuple[tuple[str, float], ...] = ()
    """Secondary statuses in order, each with its start."""
    created_s: float = field(default_factory=time.time)
    started_s: float | None = None
    ended_s: float | None = None
    failure_reason: str | None = None
    artifact: str | None = None
    """S3 URI of `model.tar.gz`."""
    interruptions: int = 0
    """How often the service died while the job ran."""
    crashes: int = 0
    """How often the program was killed by anybody else."""
    trained_s: float = 0.0
    """How long the program ran before the last interruption."""
    announced: bool = False
    """The event of its end was sent."""

    @property
    def name(self) -> str:
        """The job's name."""
        return str(self.request["TrainingJobName"])

    @property
    def arn(self) -> str:
        """The job's ARN."""
        return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:training-job/{self.name}"

    @property
    def over(self) -> bool:
        """Nothing will change any more."""
        return self.status not in RUNNING

    def at(self, secondary_status: str, **changes: Any) -> TrainingJob:
        """Return the job as it enters a secondary status now, with other fields changed too."""
        transitions = (*self.transitions, (secondary_status, time.time()))
        return replace(self, secondary_status=secondary_status, transitions=transitions, **changes)

    def description(self) -> dict[str, Any]:
        """Return what DescribeTrainingJob answers."""
        request = {key: value for key, value in self.request.items() if key != "Tags"}
        modified_s = self.transitions[-1][1] if self.transitions else self.created_s
        billed_s = None if self.ended_s is None else round(self.ended_s - (self.started_s or self.ended_s))
        optional = {
            "TrainingTimeInSeconds": billed_s,
            "BillableTimeInSeconds": billed_s,
            "TrainingStartTime": self.started_s,
            "TrainingEndTime": self.ended_s,
            "FailureReason": self.failure_reason,
            "ModelArtifacts": self.artifact and {"S3ModelArtifacts": self.artifact},
        }
        ends = [start_s for _, start_s in self.transitions[1:]] + [self.ended_s]
        return {
            **request,
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary_status,
            "CreationTime": self.created_s,
            "LastModifiedTime": modified_s,
            **{key: value for key, value in optional.items() if value is not None},
            "SecondaryStatusTransitions": [
                {"Status": status, "StartTime": start_s, "StatusMessage": _MESSAGES.get(status, status)}
                | ({"EndTime": end_s} if end_s else {})
                for (status, start_s), end_s in zip(self.transitions, ends, strict=True)
            ]
            if self.transitions
            else [],
        }


class TrainingJobs:
    """All jobs, in memory and in a folder. Safe for threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._jobs: dict[str, TrainingJob] = {}
        self.changed = threading.Condition()
        for path in sorted(folder.glob("*.json")):
            job = _read(path)
            self._jobs[job.name] = job

    def get(self, name: str) -> TrainingJob | None:
        """Return the job of that name."""
        return self._jobs.get(name)

    def __iter__(self) -> Iterator[TrainingJob]:
        """Yield all jobs, oldest first."""
        return iter(sorted(self._jobs.values(), key=lambda job: job.created_s))

    def add(self, job: TrainingJob) -> bool:
        """Add a job, durably; False when there is one of its name."""
        with self.changed:
            if job.name in self._jobs:
                return False
            self._put(job)
            return True

    def update(self, name: str, secondary_status: str, **changes: Any) -> TrainingJob:
        """Bring a job to a secondary status, durably, and return it."""
        with self.changed:
            self._put(self._jobs[name].at(secondary_status, **changes))
            return self._jobs[name]

    def stop(self, name: str) -> bool:
        """Mark a job as one to be stopped; False when it is over."""
        with self.changed:
            job = self._jobs[name]
            if job.over:
                return False
            if job.secondary_status == "Pending":
                self._put(job.at("Stopped", status="Stopped", ended_s=time.time()))
            elif job.status != "Stopping":
                self._put(job.at("Stopping", status="Stopping"))
            return True

    def tag(self, name: str, tags: list[dict[str, str]]) -> list[dict[str, str]]:
        """Add tags to a job, in place of those with the same keys; return all."""
        with self.changed:
            job = self._jobs[name]
            merged = {tag["Key"]: tag for tag in [*job.request.get("Tags", []), *tags]}
            self._put(replace(job, request={**job.request, "Tags": list(merged.values())}))
            return list(merged.values())

    def mark_announced(self, name: str) -> None:
        """Note that the event of a job's end was sent."""
        with self.changed:
            self._put(replace(self._jobs[name], announced=True))

    def _put(self, job: TrainingJob) -> None:
        path = self._folder / f"{job.name}.json"
        fresh = path.with_suffix(".new")
        with fresh.open("w") as file:
            json.dump(asdict(job), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        sync_directory(self._folder)
        self._jobs[job.name] = job
        self.changed.notify_all()


def _read(path: Path) -> TrainingJob:
    fields = json.loads(path.read_text())
    fields["transitions"] = tuple((status, start_s) for status, start_s in fields["transitions"])
    return TrainingJob(**fields)
