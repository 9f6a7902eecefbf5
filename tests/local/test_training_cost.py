"""What the service learns of a job's cost from the emulation of the platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.training import cost, jobs
from infra.local.sagemaker.training_jobs import TrainingJobs
from tests.infra.training.operator import emulation, job


@pytest.fixture(autouse=True)
def _own_client() -> Iterator[None]:
    jobs.client.cache_clear()
    yield
    jobs.client.cache_clear()


@pytest.mark.parametrize(
    ("instance_type", "usd", "source"),
    [("local", 0.0, cost.NOBODY_BILLS), ("ml.g5.xlarge", 0.704, cost.LIST)],
)
def test_a_job_that_is_over_has_its_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance_type: str, usd: float, source: str
) -> None:
    ended = job(ran_s=1800, instance_type=instance_type, status="Completed", secondary_status="Completed")
    every = TrainingJobs(tmp_path)
    every.add(ended)
    with emulation(every) as (_, url):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", url)
        described = jobs.describe(ended.name)
        jobs.client().close()
    assert described is not None
    assert described.cost is not None
    assert described.cost.to_json() == {
        "instance_type": instance_type,
        "instance_count": 1,
        "billable_s": 1800,
        "usd_per_hour": usd * 2,
        "usd": usd,
        "price_source": source,
    }


def test_a_job_that_runs_has_none_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    every = TrainingJobs(tmp_path)
    every.add(job(started_s=1_790_000_000.0, secondary_status="Training"))
    with emulation(every) as (_, url):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", url)
        (name,) = (one.name for one in every)
        described = jobs.describe(name)
        jobs.client().close()
    assert described is not None
    assert described.cost is None
