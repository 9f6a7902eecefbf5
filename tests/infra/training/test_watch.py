from __future__ import annotations

from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.training import watch
from tests.infra.training.listed import listed


def test_each_news_is_said_once_and_then_how_it_ended() -> None:
    running = {"status": "InProgress", "billable_s": None}
    states = [
        listed(**running, secondary_status="Pending"),
        listed(**running, secondary_status="Training"),
        listed(**running, secondary_status="Training"),
        listed(**running, secondary_status="Training"),
        listed(billable_s=900),
    ]
    progress = iter([None, "10 %, decoding", "10 %, decoding", "20 %, learning"])
    said: list[str] = []
    ended = watch.follow(iter(states).__next__, lambda _: next(progress), said.append, every_s=0)
    assert ended is states[-1]
    assert said == [
        "InProgress: Pending",
        "InProgress: Training",
        "10 %, decoding",
        "20 %, learning",
        "Completed",
        "billed 900 s on 1 × ml.g5.xlarge: 0.35 USD",
    ]


def test_why_a_job_ended_is_said() -> None:
    said: list[str] = []
    late = listed(status="Stopped", secondary_status="MaxRuntimeExceeded", billable_s=None, reason="")
    watch.follow(lambda: late, lambda _: None, said.append, every_s=0)
    assert said == ["Stopped: MaxRuntimeExceeded"]


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ({"progress": 41.6, "stage": "learning, round 1", "seconds_left": 312}, "42 %, learning, round 1, about 5 min left"),
        ({"progress": 3, "stage": "decoding", "seconds_left": None}, "3 %, decoding"),
    ],
)  # fmt: skip
def test_progress_is_a_line(document: dict[str, Any], line: str) -> None:
    assert watch.in_words(document) == line


def test_progress_is_read_from_the_bucket() -> None:
    job = listed(progress_uri="s3://a-bucket/checkpoints/progress.json")
    with mock_aws():
        client = boto3.client("s3")
        assert watch.progress_of(job) is None, "there is no bucket"
        client.create_bucket(Bucket="a-bucket")
        assert watch.progress_of(job) is None, "nothing was said yet"
        for content, line in (
            (b'{"progress": 7, "stage": "decoding"}', "7 %, decoding"),
            (b"{", None),
            (b"[]", None),
        ):
            client.put_object(Bucket="a-bucket", Key="checkpoints/progress.json", Body=content)
            assert watch.progress_of(job) == line


def test_a_job_without_checkpoints_says_nothing_of_its_progress() -> None:
    assert watch.progress_of(listed()) is None
