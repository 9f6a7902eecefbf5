"""What the service costs on AWS, from dated list prices: `python -m infra.cost` prints the tables."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.events.reconciling import orphans
from chalicelib.training.cost import price_of
from infra.resources import TEMPLATE

DATE = "June 2025"
PRICES = f"list prices of us-east-1, {DATE}, without taxes, discounts and the first year's free tier"

# USD. Lambda: aws.amazon.com/lambda/pricing, and so on for each service.
LAMBDA_GB_S = 0.0000166667
LAMBDA_REQUEST = 0.20e-6
SQS_REQUEST = 0.40e-6
SQS_FREE_REQUESTS = 1_000_000
S3_LISTING = 0.005e-3
S3_GB_MONTH = 0.023
ALARM_MONTH = 0.10
FREE_ALARMS = 10
FREE_LAMBDA_GB_S, FREE_LAMBDA_REQUESTS = 400_000, 1_000_000
"""What is free here is so each month, always."""
ECR_GB_MONTH = 0.10
FARGATE_VCPU_H, FARGATE_GB_H = 0.04048, 0.004445
BALANCER_H = 0.0225
PUBLIC_ADDRESS_H = 0.005
SPOT_SHARE = 0.4
"""What spot instances cost of the list price, roughly; it changes all the time."""

HOURS_A_MONTH = 730
POLLERS_OF_LIMITED, POLLERS = 5, 2
POLL_S = 20
"""Lambda looks into a queue with five pollers, which wait for 20 seconds each; with two while nothing comes,
but not where `MaximumConcurrency` is set. docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""
RECONCILER_EVERY_S = 300
RECONCILER_S, RECONCILER_GB = 1.0, 0.5
LISTINGS = 2
"""Of one prefix: what lies behind a key drawn at random, then what lies before it."""
IMAGE_GB = {"light": 0.5, "network": 3.5}

# Measured: docs/benchmarks.md. Processor seconds for each second of audio.
RECOGNITION = {"light": 0.16, "network": 0.055}
RECOGNIZE_GB = 3008 / 1024
WAITING_GB = 256 / 1024
"""Of the function that waits for a job's piece."""
TRAINING = {"light": ("ml.c5.2xlarge", 0.07), "network": ("ml.g5.xlarge", 1 / 80)}
"""Instance type, and seconds of work for each second of audio (`training.machines`); the second guessed."""
TRAINING_START_S = 300

OTHERS = (
    ("Amazon Transcribe, batch or streaming", 1.44, "$0.024 a minute, aws.amazon.com/transcribe/pricing"),
    ("Google Speech-to-Text v2", 0.96, "$0.016 a minute, cloud.google.com/speech-to-text/pricing"),
    (
        "Azure Speech, real time",
        1.00,
        "azure.microsoft.com/pricing/details/cognitive-services/speech-services",
    ),
    (
        "IBM Watson Speech to Text, Plus",
        1.20,
        "$0.02 a minute, cloud.ibm.com/catalog/services/speech-to-text",
    ),
)
"""USD an hour of audio in the first tier, as their pages had it; check them before you rely on it."""


@dataclass(frozen=True)
class Item:
    """A line of a bill."""

    what: str
    usd: float


def idle_month() -> list[Item]:
    """Return what an installation costs in a month in which nobody asks for anything."""
    resources = json.loads(TEMPLATE.read_text())["Resources"].values()
    kinds = [resource.get("Type") for resource in resources]
    sources = [
        source["Properties"]
        for resource in resources
        for source in resource.get("Properties", {}).get("Events", {}).values()
    ]
    pollers = sum(POLLERS_OF_LIMITED if "ScalingConfig" in source else POLLERS for source in sources)
    seconds = HOURS_A_MONTH * 3600
    polls = pollers * seconds / POLL_S
    rounds = seconds / RECONCILER_EVERY_S
    alarms = kinds.count("AWS::CloudWatch::Alarm")
    images_gb = sum(IMAGE_GB.values())
    return [
        Item(
            f"Lambda's pollers, {polls / 1e6:.1f} million empty receives at {len(sources)} queues",
            (polls - SQS_FREE_REQUESTS) * SQS_REQUEST,
        ),
        Item(f"{alarms} alarms, {FREE_ALARMS} are free", max(0, alarms - FREE_ALARMS) * ALARM_MONTH),
        Item(f"the reconciler, {rounds:,.0f} calls of about a second, free", _lambda(rounds)),
        Item(
            f"its looks into {len(sources)} dead-letter queues",
            rounds * len(sources) * SQS_REQUEST,
        ),
        Item("its listings of the bucket", seconds / orphans.EVERY_S * LISTINGS * S3_LISTING),
        Item(f"two training images, {images_gb:.0f} GB", images_gb * ECR_GB_MONTH),
        Item("the packages and the layer in S3", 0.15 * S3_GB_MONTH),
    ]


def _lambda(calls: float) -> float:
    """Return what the reconciler's calls cost beyond what is free."""
    seconds = max(0.0, calls * RECONCILER_S * RECONCILER_GB - FREE_LAMBDA_GB_S)
    return seconds * LAMBDA_GB_S + max(0.0, calls - FREE_LAMBDA_REQUESTS) * LAMBDA_REQUEST


def hour_recognised(engine: str) -> float:
    """Return USD for an hour of audio as a job: recognition, and the function that waits for it."""
    # As long as one processor works; the second one is idle then, and paid for.
    work_s = 3600 * RECOGNITION[engine]
    return work_s * (RECOGNIZE_GB + WAITING_GB) * LAMBDA_GB_S


def hour_adapted(engine: str, hours: float = 1.0) -> float:
    """Return USD for each hour of audio of a training on so many, on demand."""
    instance_type, work = TRAINING[engine]
    price = price_of(instance_type)
    if price is None:
        raise LookupError(f"nobody knows what {instance_type} costs")
    return (TRAINING_START_S + 3600 * hours * work) / 3600 * price.usd_per_hour / hours


def front_door_month(tasks: int = 1, zones: int = 2) -> float:
    """Return USD a month of the front door with so many containers of 2 vCPU and 4 GB."""
    task = 2 * FARGATE_VCPU_H + 4 * FARGATE_GB_H + PUBLIC_ADDRESS_H
    return HOURS_A_MONTH * (BALANCER_H + zones * PUBLIC_ADDRESS_H + tasks * task)


def tables() -> Iterator[str]:
    """Yield the lines of the page's tables."""
    items = idle_month()
    yield "| a month in which nobody asks | USD |"
    yield "|---|---|"
    yield from (f"| {item.what} | {item.usd:.2f} |" for item in items)
    yield f"| **together** | **{sum(item.usd for item in items):.2f}** |"
    yield f"| the front door, one container and two zones, if it is there | {front_door_month():.2f} |"
    yield ""
    yield "| an hour of audio | light engine | the network |"
    yield "|---|---|---|"
    yield _row("recognised, as a job", hour_recognised("light"), hour_recognised("network"))
    for hours in (1, 10):
        said = f"adapted on, {hours} hour{'s' if hours > 1 else ''} in one training"
        light, network = hour_adapted("light", hours), hour_adapted("network", hours)
        yield _row(said, light, network)
        yield _row(f"the same on spot, at {SPOT_SHARE:.0%}", SPOT_SHARE * light, SPOT_SHARE * network)
    yield ""
    yield "| others, for an hour recognised | USD | as published |"
    yield "|---|---|---|"
    yield from (f"| {name} | {usd:.2f} | {source} |" for name, usd, source in OTHERS)


def _row(what: str, light: float, network: float) -> str:
    return f"| {what} | {light:.3f} | {network:.3f} |"


def main() -> int:
    """Print the tables; returns the exit status."""
    print(f"USD, {PRICES}.\n")
    print("\n".join(tables()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
