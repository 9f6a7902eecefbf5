"""`retry`: train once more what a job that failed or was stopped was to train.

A custom model of the service is trained anew as its user would do it, with the audio that it has now, under
the next run's name. A job that was run by hand is created again under a name of its own, and takes up its
checkpoints.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Mapping
from typing import Any

from chalicelib.training.jobs import is_name_of_a_run
from infra.training import jobs, sdk
from infra.training.jobs import ListedJob

_MOST_CHARACTERS = 63
"""That the name of a training job has."""
_DEFINITION = (
    "role_arn",
    "algorithm_specification",
    "hyper_parameters",
    "input_data_config",
    "output_data_config",
    "resource_config",
    "vpc_config",
    "stopping_condition",
    "enable_network_isolation",
    "enable_inter_container_traffic_encryption",
    "enable_managed_spot_training",
    "checkpoint_config",
    "environment",
    "retry_strategy",
)
"""What a description and a request have in common."""


class NothingToRetry(Exception):
    """The job still runs, or has left a model."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("job", help="its name")


def run(arguments: argparse.Namespace) -> int:
    """Start what the job was to do once more, and print under which name it runs.

    Raises:
        NothingToRetry: see there.
        customization.errors.CustomizationError: the model cannot be trained now.
        settings.SettingsError: a model of the service needs the service's settings in the environment.
    """
    resource = jobs.resource_of(arguments.job)
    job = jobs.job(resource, with_tags=True)
    check(job)
    print(train_again(job) if is_name_of_a_run(job.name) else _create_again(resource, job))
    return 0


def check(job: ListedJob) -> None:
    """Refuse a job that is not over, or has left a model.

    Raises:
        NothingToRetry: see there.
    """
    if not job.over:
        raise NothingToRetry(f"{job.name} is not over: {job.status}, {job.secondary_status}.")
    if job.status == "Completed":
        raise NothingToRetry(f"{job.name} has left a model: there is nothing to retry.")


def train_again(job: ListedJob) -> str:
    """Begin a new run of the custom model that a job was for, and return the name of its job."""
    # Imported here: a job that was run by hand needs neither the tables nor their settings.
    from chalicelib.training import jobs as service_jobs
    from chalicelib.training import launch

    run = launch.train_again(job.tags["attune:owner"], job.tags["attune:customization"])
    return service_jobs.name_of(run)


def _create_again(resource: Any, job: ListedJob) -> str:
    name = again(job.name, time.strftime("%Y%m%d%H%M%S", time.gmtime()))
    fields = {field: sdk.given(getattr(resource, field)) for field in _DEFINITION}
    created = sdk.module("core.resources").TrainingJob.create(
        training_job_name=name,
        tags=tags(job.tags),
        **{field: value for field, value in fields.items() if value is not None},
    )
    return str(created.training_job_name)


def again(name: str, moment: str) -> str:
    """Return a new name in place of one that is taken: its beginning, and a moment instead of the former."""
    beginning = re.sub(r"-[0-9]{14}$", "", name)
    return f"{beginning[: _MOST_CHARACTERS - len(moment) - 1].rstrip('-')}-{moment}"


def tags(named: Mapping[str, str]) -> list[dict[str, str]]:
    """Return tags as the SDK takes them; those that the platform gave itself cannot be given."""
    return [{"key": key, "value": value} for key, value in named.items() if not key.startswith("aws:")]
