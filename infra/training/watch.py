"""`watch`: follow a training job to its end: states, progress as its container says it, and what it cost."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from infra.training import jobs, table
from infra.training.jobs import ListedJob


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be asked for."""
    parser.add_argument("job", help="its name")
    parser.add_argument(
        "--every-s", type=float, default=10.0, metavar="S", help="ask again after so long (10)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what happens to a job until it is over; 0 when it left a model."""
    resource = jobs.resource_of(arguments.job)

    def now() -> ListedJob:
        resource.refresh()
        return jobs.job(resource)

    ended = follow(now, progress_of, print, arguments.every_s)
    return 0 if ended.status == "Completed" else 1


def follow(
    now: Callable[[], ListedJob],
    progress: Callable[[ListedJob], str | None],
    say: Callable[[str], None],
    every_s: float,
) -> ListedJob:
    """Say each new state and progress of a job until it is over; return it as it ended.

    Args:
        now: asks the platform for the job.
        progress: returns what the container says, in words; None when it says nothing.
        say: takes a line.
        every_s: how long to wait before asking again.
    """
    said: set[str] = set()

    def once(line: str) -> None:
        if line not in said:
            said.add(line)
            say(line)

    while not (job := now()).over:
        once(f"{job.status}: {job.secondary_status}")
        if (line := progress(job)) is not None:
            once(line)
        time.sleep(every_s)
    say(job.status if job.secondary_status == job.status else f"{job.status}: {job.secondary_status}")
    if job.reason:
        say(job.reason)
    if job.cost is not None:
        say(
            f"billed {job.cost.billable_s} s on {job.instance_count} × {job.instance_type}: "
            f"{table.dollars(job.cost.usd)} USD"
        )
    return job


def progress_of(job: ListedJob) -> str | None:
    """Return what a job's container says of its progress, None while it says nothing that can be read."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    if job.progress_uri is None:
        return None
    bucket, _, key = job.progress_uri.removeprefix("s3://").partition("/")
    try:
        document = json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        return in_words(document)
    except (BotoCoreError, ClientError, ValueError, KeyError, TypeError, AttributeError):
        return None


def in_words(document: dict[str, Any]) -> str:
    """Return a container's progress.json as a line.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is none.
    """
    left_s = document.get("seconds_left")
    left = "" if left_s is None else f", about {max(float(left_s), 0) / 60:.0f} min left"
    return f"{float(document['progress']):.0f} %, {document['stage']}{left}"
