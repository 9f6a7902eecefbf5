"""What is published about AWS, and what was measured here: all that the simulation takes for granted."""

from __future__ import annotations

from dataclasses import dataclass

from infra.cost import RECOGNITION


@dataclass(frozen=True)
class Figure:
    """A figure, its unit, and where it is from."""

    value: float
    unit: str
    what: str
    source: str


_GUIDE = "docs.aws.amazon.com/lambda/latest/dg"
_READ = "read November 2026"

FIGURES = {
    "scaling": Figure(
        100.0,
        "a second",
        "execution environments that a function gets in addition: 1,000 every 10 s",
        f"{_GUIDE}/scaling-behavior.html, {_READ}",
    ),
    "first_pollers": Figure(
        5,
        "",
        "messages that a queue's event source hands out at once, to begin with",
        f"{_GUIDE}/services-sqs-scaling.html, {_READ}",
    ),
    "pollers": Figure(
        5.0,
        "a second",
        "by which that grows while messages wait: 300 a minute",
        f"{_GUIDE}/services-sqs-scaling.html, {_READ}",
    ),
    "cold_engine": Figure(
        5.7,
        "s",
        "start of a function with a package of 180 MB, NumPy and a search index in it; ours has 224 MB",
        "dev.robot.wtf/Dev/E-1_Cold_Start_Benchmarks, March 2026, mean of five",
    ),
    "cold_small": Figure(
        1.0,
        "s",
        "start of a function without a layer: from under 0.1 s to over 1 s",
        f"{_GUIDE}/lambda-runtime-environment.html, {_READ}",
    ),
    "kept_warm": Figure(
        300.0,
        "s",
        "how long an environment waits for more work; not published, 5 to 15 minutes are reported",
        "careful guess",
    ),
    "small_object": Figure(
        0.15,
        "s",
        "a small object from S3 or to it: 0.1 to 0.2 s",
        "docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html, " + _READ,
    ),
    "network": Figure(
        60e6,
        "B/s",
        "what a function fetches from S3",
        "careful guess; 600 Mbit/s are reported",
    ),
    "row": Figure(
        0.01, "s", "a read or write of DynamoDB, or a message sent to SQS", "single-digit ms to 10 ms"
    ),
    "processor": Figure(
        0.8,
        "",
        "what one of Lambda's processors does of what one does that was measured here",
        "careful guess",
    ),
    "model": Figure(0.44, "s", "loading a model", "docs/benchmarks.md"),
    "unpacking": Figure(
        1.0, "s", "unpacking the network's library when a function starts, on x86-64", "docs/aws.md"
    ),
    "looking": Figure(
        0.9 / 3120,
        "s/s",
        "processor time for a second of audio: decoded, searched for speech and cut",
        "docs/benchmarks.md",
    ),
    "utterance": Figure(
        4.5, "s", "mean length of an utterance: 802 in an hour of speech", "docs/benchmarks.md"
    ),
    "light": Figure(
        RECOGNITION["light"],
        "s/s",
        "processor time to recognise a second, light engine",
        "docs/benchmarks.md",
    ),
    "whisper": Figure(RECOGNITION["network"], "s/s", "the same, the network", "docs/benchmarks.md"),
}
"""Prices are in `infra.cost`."""


def value(name: str) -> float:
    """Return a figure's number."""
    return FIGURES[name].value
