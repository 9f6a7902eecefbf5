"""Training jobs as an operator looks at them: found by name, state, time and tag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chalicelib import settings
from chalicelib.training.cost import Cost, price_of
from infra.training import sdk

PREFIX = f"{settings.service_instance()}-"
"""First part of the names of this service's jobs, and of those that were run by hand."""
OVER = frozenset({"Completed", "Failed", "Stopped"})


class NoSuchJob(Exception):
    """There is no training job of that name."""


@dataclass(frozen=True)
class ListedJob:
    """A training job."""

    name: str
    arn: str
    status: str
    secondary_status: str
    reason: str
    """Why it failed, as the platform words it; empty unless it did."""
    created: datetime
    instance_type: str
    instance_count: int
    billable_s: int | None
    """None until the platform says it."""
    progress_uri: str | None
    """S3 URI of what its container says of its progress."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Only where they were asked for."""

    @property
    def over(self) -> bool:
        """Nothing of it will change any more."""
        return self.status in OVER

    @property
    def cost(self) -> Cost | None:
        """What it cost so far; None until the platform says what it bills."""
        if self.billable_s is None:
            return None
        price = price_of(self.instance_type)
        return Cost(self.instance_type, self.instance_count, self.billable_s, price)


def found(
    *,
    name: str = PREFIX,
    status: str | None = None,
    since: datetime | None = None,
    tags: Mapping[str, str] | None = None,
    with_tags: bool = False,
) -> Iterator[ListedJob]:
    """Yield the jobs with all that was asked for, newest first.

    Args:
        name: what their names contain.
        status: as SageMaker calls it, such as `InProgress`.
        since: when they were created, at the earliest.
        tags: which they have, with these values. The platform cannot look for them: each job is asked.
        with_tags: ask for them, though none are looked for.

    Raises:
        sdk.SdkMissing: see there.
    """
    wanted: dict[str, Any] = {"name_contains": name, "sort_by": "CreationTime", "sort_order": "Descending"}
    if status is not None:
        wanted["status_equals"] = status
    if since is not None:
        wanted["creation_time_after"] = since
    for resource in sdk.module("core.resources").TrainingJob.get_all(**wanted):
        has = _tags(str(resource.training_job_arn)) if tags or with_tags else {}
        if all(has.get(key) == value for key, value in (tags or {}).items()):
            yield _job(resource, has)


def resource_of(name: str) -> Any:
    """Return the SDK's own object of a job.

    Raises:
        NoSuchJob: there is none of that name.
        sdk.SdkMissing: see there.
    """
    from botocore.exceptions import ClientError

    resources = sdk.module("core.resources")
    try:
        return resources.TrainingJob.get(training_job_name=name)
    except ClientError as error:
        if "not found" in str(error).lower():
            raise NoSuchJob(f"There is no training job {name!r}.") from None
        raise


def job(resource: Any, *, with_tags: bool = False) -> ListedJob:
    """Return what an operator looks at of one of the SDK's objects."""
    return _job(resource, _tags(str(resource.training_job_arn)) if with_tags else {})


def _job(resource: Any, tags: Mapping[str, str]) -> ListedJob:
    machines, checkpoints = sdk.given(resource.resource_config), sdk.given(resource.checkpoint_config)
    billable_s = sdk.given(resource.billable_time_in_seconds)
    uri = None if checkpoints is None else sdk.given(checkpoints.s3_uri)
    return ListedJob(
        name=str(resource.training_job_name),
        arn=str(resource.training_job_arn),
        status=str(resource.training_job_status),
        secondary_status=str(sdk.given(resource.secondary_status) or ""),
        reason=str(sdk.given(resource.failure_reason) or ""),
        created=resource.creation_time,
        instance_type=str(sdk.given(machines.instance_type) or ""),
        instance_count=int(sdk.given(machines.instance_count) or 1),
        billable_s=None if billable_s is None else int(billable_s),
        progress_uri=None if uri is None else f"{str(uri).rstrip('/')}/progress.json",
        tags=tags,
    )


def _tags(arn: str) -> dict[str, str]:
    tags = sdk.module("core.resources").Tag.get_all(resource_arn=arn)
    return {str(tag.key): str(tag.value) for tag in tags}
