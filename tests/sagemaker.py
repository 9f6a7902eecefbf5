"""SageMaker as moto has it, with what moto leaves out: jobs that run, fail and stop, and its errors."""

from __future__ import annotations

import json
from typing import Any

from botocore.awsrequest import AWSResponse
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sagemaker.models import sagemaker_backends

from chalicelib.training import jobs

REGION = "us-east-1"


def out_of_quota(machines: int) -> str:
    """Return what SageMaker says when an account may use so many machines, and they are in use."""
    return (
        f"The account-level service limit 'ml.c5.2xlarge for spot training job usage' is {machines} Instances, with "
        f"current utilization of {machines} Instances and a request delta of 1 Instances. Please use AWS Service "
        "Quotas to request an increase for this quota."
    )


class Platform:
    """The training platform of one test."""

    def __init__(self) -> None:
        self.error: tuple[str, str] | None = None
        """Code and message of the error that every call gets."""
        self.created: list[dict[str, Any]] = []
        jobs.client.cache_clear()
        events = jobs.client().meta.events
        # botocore takes what these return for the answer, as if it had come over the wire.
        events.register("before-call.sagemaker", self._before_call)
        events.register("before-call.sagemaker.CreateTrainingJob", self._before_create)
        events.register("before-call.sagemaker.StopTrainingJob", self._stop)
        events.register("after-call.sagemaker.CreateTrainingJob", self._created)

    @property
    def jobs(self) -> dict[str, Any]:
        return dict(sagemaker_backends[DEFAULT_ACCOUNT_ID][REGION].training_jobs)

    def job(self, name: str) -> Any:
        return next(job for job in self.jobs.values() if job.training_job_name == name)

    def set(
        self, name: str, status: str, *, secondary: str | None = None, failure: str | None = None
    ) -> None:
        """Put a job into a state."""
        job = self.job(name)
        job.training_job_status = status
        job.secondary_status = secondary or status
        job.failure_reason = failure

    def bill(self, name: str, seconds: int | None) -> None:
        """Say how long a job is billed."""
        self.job(name).billable_time_in_seconds = seconds

    def forget_artifacts(self, name: str) -> None:
        """Describe the job as SageMaker does before it knows of its artefact."""
        self.job(name).model_artifacts = None

    def status(self, name: str) -> str:
        return str(self.job(name).training_job_status)

    def _before_call(self, **_: Any) -> Any:
        return _error(*self.error) if self.error else None

    def _before_create(self, params: dict[str, Any], **_: Any) -> Any:
        self.created.append(json.loads(params["body"]))
        if self.error is None and self._exists(self.created[-1]["TrainingJobName"]):
            return _error("ResourceInUse", "Training job names must be unique within an account and region.")
        return None

    def _created(self, http_response: AWSResponse, **_: Any) -> None:
        if http_response.status_code == 200:
            self.set(self.created[-1]["TrainingJobName"], "InProgress", secondary="Training")

    def _stop(self, params: dict[str, Any], **_: Any) -> Any:
        if self.error is not None:
            return None
        name = json.loads(params["body"])["TrainingJobName"]
        if not self._exists(name):
            return _error("ValidationException", "Requested resource not found.")
        if self.status(name) != "InProgress":
            return _error(
                "ValidationException",
                f"The request was rejected because the training job is in status {self.status(name)}.",
            )
        self.set(name, "Stopping")
        return AWSResponse("", 200, {}, None), {}  # type: ignore[arg-type]

    def _exists(self, name: str) -> bool:
        return name in {job.training_job_name for job in self.jobs.values()}


def _error(code: str, message: str) -> tuple[AWSResponse, dict[str, Any]]:
    parsed = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return AWSResponse("", 400, {}, None), parsed  # type: ignore[arg-type]
