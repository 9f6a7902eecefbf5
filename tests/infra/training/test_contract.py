"""The service's request for a training job is the one that SageMaker's own SDK sends, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.sagemaker.training_jobs import TrainingJobs
from tests.containers import ROOT
from tests.infra.training.contract import CASES, RECORD, created_by_sdk, request
from tests.infra.training.operator import emulation, needs_sdk

_RECORDED: dict[str, Any] = json.loads(RECORD.read_text())
_FIELDS = [
    (case, field)
    for case, sent in _RECORDED["requests"].items()
    for field in sorted({*sent["service"], *sent["sdk"]})
]
_AGAIN = "record it again: python -m tests.infra.training.contract"


def test_the_record_is_of_the_sdk_that_is_installed_by_make() -> None:
    assert f"sagemaker=={_RECORDED['sagemaker']}\n" in (ROOT / "requirements/sagemaker.txt").read_text(), (
        _AGAIN
    )
    assert set(_RECORDED["requests"]) == set(CASES), _AGAIN


@pytest.mark.parametrize("case", CASES)
def test_the_record_is_of_what_the_service_sends(case: str) -> None:
    assert _RECORDED["requests"][case]["service"] == request(case), _AGAIN


@pytest.mark.parametrize(("case", "field"), _FIELDS)
def test_the_sdk_sends_the_same(case: str, field: str) -> None:
    recorded = _RECORDED["requests"][case]
    assert recorded["sdk"].get(field) == recorded["service"].get(field)


@pytest.mark.parametrize("case", CASES)
def test_the_platform_keeps_every_field(case: str, tmp_path: Path) -> None:
    sent = _RECORDED["requests"][case]["sdk"]
    with emulation(TrainingJobs(tmp_path)) as (_, url):
        client = boto3.client("sagemaker", endpoint_url=url)
        arn = client.create_training_job(**sent)["TrainingJobArn"]
        told = client.describe_training_job(TrainingJobName=sent["TrainingJobName"])
        tags = client.list_tags(ResourceArn=arn)["Tags"]
        client.close()
    assert {field: told.get(field) for field in sent if field != "Tags"} == {
        field: value for field, value in sent.items() if field != "Tags"
    }
    assert tags == sent["Tags"]


@needs_sdk
@pytest.mark.parametrize("case", CASES)
def test_the_sdk_sends_what_was_recorded(case: str, tmp_path: Path) -> None:
    version, sent = created_by_sdk(request(case), tmp_path)
    assert (version, sent) == (_RECORDED["sagemaker"], _RECORDED["requests"][case]["sdk"]), _AGAIN
