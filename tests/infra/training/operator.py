"""Runs the operator's commands as an operator does: with the Python that has SageMaker's SDK."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.local import wire
from infra.local.sagemaker.emulator import SageMakerEmulator
from infra.local.sagemaker.training_jobs import TrainingJob, TrainingJobs
from tests.containers import ROOT

PYTHON = Path(os.environ.get("ATTUNE_SAGEMAKER_PYTHON", ROOT / ".venv-sagemaker/bin/python"))
"""Of the environment that `make sagemaker` makes."""
needs_sdk = pytest.mark.skipif(not PYTHON.exists(), reason="SageMaker's SDK: make sagemaker installs it")
OWNER = "6b1f2a3c-0d4e-4f5a-8b6c-7d8e9f0a1b2c"
CUSTOMIZATION = "11111111-2222-4333-8444-555555555555"


class Recorder(SageMakerEmulator):
    """The emulation, with the requests that it was sent."""

    def __init__(self, jobs: TrainingJobs) -> None:
        super().__init__(jobs)
        self.sent: list[tuple[str, bytes]] = []

    def _call(self, name: str, body: bytes) -> dict[str, Any]:
        self.sent.append((name, body))
        return super()._call(name, body)


@contextmanager
def emulation(jobs: TrainingJobs) -> Iterator[tuple[Recorder, str]]:
    """Serve jobs that nobody runs; yield what was sent, and the URL."""
    recorder, listener = Recorder(jobs), wire.listen()
    serving = wire.server(recorder)
    thread = threading.Thread(target=asyncio.run, args=(serving.serve(sockets=[listener]),))
    thread.start()
    try:
        yield recorder, f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        serving.should_exit = True
        thread.join()
        listener.close()


def command(
    url: str, *arguments: str, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `python arguments…` with the SDK's Python, whose AWS is the emulation and nothing else."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    nowhere = "http://127.0.0.1:9"
    environment = {
        **kept,
        "AWS_ENDPOINT_URL": nowhere,
        "AWS_ENDPOINT_URL_SAGEMAKER": url,
        "AWS_ACCESS_KEY_ID": "operator",
        "AWS_SECRET_ACCESS_KEY": "unused",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_MAX_ATTEMPTS": "1",
        "HTTPS_PROXY": nowhere,  # whatever has an address of its own must not leave this machine
        "NO_PROXY": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **variables,
    }
    return subprocess.run(
        [PYTHON, *arguments],
        cwd=ROOT,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def job(
    name: str = f"attune-{CUSTOMIZATION}-000001",
    *,
    created_s: float = 1_790_000_000.0,
    ran_s: float | None = None,
    instance_type: str = "ml.g5.xlarge",
    instance_count: int = 1,
    tags: Mapping[str, str] | None = None,
    **state: Any,
) -> TrainingJob:
    """Return a job; `ran_s` and `state` say how it ended."""
    named = {"attune:owner": OWNER, "attune:customization": CUSTOMIZATION} if tags is None else tags
    request = {
        "TrainingJobName": name,
        "AlgorithmSpecification": {"TrainingImage": "registry/image:1", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::000000000000:role/attune-training",
        "InputDataConfig": [
            {
                "ChannelName": channel,
                "DataSource": {
                    "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://bucket/{channel}/"}
                },
            }
            for channel in ("plan", "audio")
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://bucket/training/{OWNER}/{CUSTOMIZATION}/000001/output/"},
        "CheckpointConfig": {"S3Uri": "s3://bucket/checkpoints/"},
        "ResourceConfig": {
            "InstanceType": instance_type,
            "InstanceCount": instance_count,
            "VolumeSizeInGB": 30,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "HyperParameters": {"run": "1"},
        "Tags": [{"Key": key, "Value": value} for key, value in named.items()],
    }
    if ran_s is not None:
        state = {"started_s": created_s + 60, "ended_s": created_s + 60 + ran_s, **state}
    return TrainingJob(request, created_s=created_s, **state)
