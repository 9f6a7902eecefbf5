"""SageMaker's training-job API on one machine."""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import math
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.model import ServiceModel
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

from infra.local.admission import Admitted
from infra.local.processes import child
from infra.local.sagemaker.training_events import Announcer
from infra.local.sagemaker.training_jobs import TrainingJob, TrainingJobs
from infra.local.sagemaker.training_runner import Runner, clear_left_over, resume_interrupted
from infra.local.wire import Disconnected, Receive, Scope, Send, answer, headers_of, server, whole_body

_JSON = "application/x-amz-json-1.1"
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_CHANNEL = re.compile(r"[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,63}")
"""A channel becomes a folder: none is called `..`."""
_VARIABLES = frozenset({"PYTHONUNBUFFERED"})
"""What a request may set in its program's environment. Others decide what an interpreter loads, and runs."""
_DEFAULT_QUEUE = "attune-training-changed"
_making_client = threading.Lock()
_NOT_FOUND = "Requested resource not found."


class SageMakerError(Exception):
    """A refusal with SageMaker's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@functools.cache
def _model() -> ServiceModel:
    """Return what SageMaker takes; like the clients, it is loaded when somebody trains."""
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker")


class SageMakerEmulator:
    """An ASGI application that answers the JSON 1.1 protocol for training jobs."""

    def __init__(self, jobs: TrainingJobs) -> None:
        self._jobs = jobs
        self._operations: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "CreateTrainingJob": self._create,
            "DescribeTrainingJob": self._describe,
            "StopTrainingJob": self._stop,
            "ListTrainingJobs": self._list,
            "ListTags": self._tags,
            "AddTags": self._add_tags,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            body = await whole_body(receive)
        except Disconnected:
            return
        name = headers_of(scope).get("x-amz-target", "").removeprefix("SageMaker.")
        try:
            document = await asyncio.to_thread(self._call, name, body)
            status = HTTPStatus.OK
        except SageMakerError as error:
            status = HTTPStatus.BAD_REQUEST
            document = {"__type": error.code, "message": str(error)}
        await answer(send, status, {"content-type": _JSON}, json.dumps(document).encode())

    def _call(self, name: str, body: bytes) -> dict[str, Any]:
        from botocore.validate import ParamValidator

        operation = self._operations.get(name)
        if operation is None:
            raise SageMakerError("UnknownOperationException", f"{name or 'This'} is not served here.")
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            raise SageMakerError("SerializationException", "The body is not JSON.") from None
        shape = _model().operation_model(name).input_shape
        if shape is None:
            raise TypeError(f"{name} takes no input")
        report = ParamValidator().validate(request, shape)
        if report.has_errors():
            raise SageMakerError("ValidationException", report.generate_report())
        return operation(request)

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        name = request["TrainingJobName"]
        if not _NAME.fullmatch(name):
            raise SageMakerError("ValidationException", f"Value {name!r} at 'trainingJobName' is malformed.")
        if "InputDataConfig" not in request or "TrainingImage" not in request["AlgorithmSpecification"]:
            message = "A training image and input data are needed here."
            raise SageMakerError("ValidationException", message)
        for channel in request["InputDataConfig"]:
            if not _CHANNEL.fullmatch(channel["ChannelName"]):
                message = f"Value {channel['ChannelName']!r} at 'channelName' is malformed."
                raise SageMakerError("ValidationException", message)
        for variable in sorted(request.get("Environment", {}).keys() - _VARIABLES):
            message = (
                f"The environment variable {variable!r} cannot be set here: {', '.join(_VARIABLES)} can."
            )
            raise SageMakerError("ValidationException", message)
        job = TrainingJob(request).at("Pending")
        if not self._jobs.add(job):
            message = (
                "Training job names must be unique within an AWS account and region, "
                f"and a training job with this name already exists ({job.arn})"
            )
            raise SageMakerError("ResourceInUse", message)
        return {"TrainingJobArn": job.arn}

    def _found(self, request: dict[str, Any]) -> TrainingJob:
        job = self._jobs.get(request["TrainingJobName"])
        if job is None:
            raise SageMakerError("ValidationException", _NOT_FOUND)
        return job

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._found(request).description()

    def _stop(self, request: dict[str, Any]) -> dict[str, Any]:
        job = self._found(request)
        if not self._jobs.stop(job.name):
            message = f"The request was rejected because the training job is in status {job.status}."
            raise SageMakerError("ValidationException", message)
        return {}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [
            (job, description)
            for job in self._jobs
            if request.get("NameContains", "") in job.name
            and request.get("StatusEquals", job.status) == job.status
            and _is_within(request, description := job.description())
        ]
        # By time of creation and newest first, unless the request wants it otherwise.
        field = {"Name": "TrainingJobName", "Status": "TrainingJobStatus"}
        by = field.get(request.get("SortBy", "CreationTime"), "CreationTime")
        found.sort(
            key=lambda entry: entry[1][by], reverse=request.get("SortOrder", "Descending") == "Descending"
        )
        page, more = _page(request, found, 10)
        return {"TrainingJobSummaries": [_summary(*entry) for entry in page], **more}

    def _tagged(self, request: dict[str, Any]) -> TrainingJob:
        arn = request["ResourceArn"]
        job = self._jobs.get(arn.rpartition("/")[2])
        if job is None or job.arn != arn:
            raise SageMakerError("ValidationException", _NOT_FOUND)
        return job

    def _tags(self, request: dict[str, Any]) -> dict[str, Any]:
        page, more = _page(request, self._tagged(request).request.get("Tags", []), 50)
        return {"Tags": page, **more}

    def _add_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": self._jobs.tag(self._tagged(request).name, request["Tags"])}


def _page(request: dict[str, Any], entries: list[Any], most: int) -> tuple[list[Any], dict[str, str]]:
    """Return a page of entries, and the token of the next one if there is one."""
    token = request.get("NextToken", "0")
    if not token.isdecimal():
        raise SageMakerError("ValidationException", "The NextToken is not one of ours.")
    start, end = int(token), int(token) + request.get("MaxResults", most)
    return entries[start:end], {"NextToken": str(end)} if end < len(entries) else {}


def _is_within(request: dict[str, Any], description: dict[str, Any]) -> bool:
    """Return whether a job's times are between those of a request; on the wire all are Unix seconds.

    To the millisecond, for clients keep no more than microseconds of the time that they were told.
    """

    def told(field: str, bound: float) -> float:
        value: float = request.get(field, bound)
        return value if math.isinf(value) else round(value, 3)

    return all(
        told(f"{field}After", -math.inf) < round(description[field], 3) < told(f"{field}Before", math.inf)
        for field in ("CreationTime", "LastModifiedTime")
    )


def _summary(job: TrainingJob, description: dict[str, Any]) -> dict[str, Any]:
    shown = ("TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime", "TrainingJobStatus")
    return {
        "TrainingJobName": job.name,
        **{field: description[field] for field in shown if field in description},
    }


@functools.cache
def _queues() -> SQSClient:
    import boto3

    with _making_client:
        return boto3.client("sqs")


def _bucket() -> S3Client:
    import boto3

    with _making_client:
        return boto3.client("s3")


def _sender() -> Callable[[dict[str, Any]], None]:
    """Return what sends an event to the queue to which, in AWS, a rule would send it."""
    name = os.environ.get("ATTUNE_TRAINING_QUEUE", _DEFAULT_QUEUE)

    def send(event: dict[str, Any]) -> None:
        url = _queues().get_queue_url(QueueName=name)["QueueUrl"]
        _queues().send_message(QueueUrl=url, MessageBody=json.dumps(event))

    return send


async def _serve(listener: socket.socket, jobs: TrainingJobs) -> None:
    serving = server(Admitted(SageMakerEmulator(jobs), os.environ["AWS_ACCESS_KEY_ID"]))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, serving, "should_exit", True)
    await serving.serve(sockets=[listener])


def main() -> None:
    """Run as a child process of the service: a folder for the jobs, and a listening socket's descriptor."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("descriptor", type=int)
    arguments = parser.parse_args()
    child.begin("training")
    jobs = TrainingJobs(arguments.folder)
    resume_interrupted(jobs)
    clear_left_over(jobs, arguments.folder)
    runner, announcer = Runner(jobs, arguments.folder, _bucket), Announcer(jobs, _sender())
    # A program's life is bound to the thread that starts it: one thread runs all jobs, until the end.
    listener = socket.socket(fileno=arguments.descriptor)
    running = threading.Thread(target=runner.run)
    running.start()
    threading.Thread(target=announcer.run, daemon=True).start()
    asyncio.run(_serve(listener, jobs))
    runner.shut_down()
    running.join()


if __name__ == "__main__":
    main()
