from __future__ import annotations

from datetime import UTC, datetime

import pytest

from infra.training.cost import report
from tests.infra.training.listed import listed

JOBS = [
    listed(),
    listed(instance_type="ml.c5.2xlarge", created=datetime(2026, 10, 1, tzinfo=UTC), billable_s=7200),
    listed(instance_count=2, tags={"attune:owner": "two"}),
    listed(status="InProgress", billable_s=None, tags={}),
]


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("instance-type", [["ml.g5.xlarge", "3", "1.50", "2.11"], ["ml.c5.2xlarge", "1", "2.00", "0.82"]]),
        ("month", [["2026-11", "3", "1.50", "2.11"], ["2026-10", "1", "2.00", "0.82"]]),
        ("owner", [["one", "2", "2.50", "1.52"], ["two", "1", "1.00", "1.41"], ["–", "1", "0.00", "0.00"]]),
    ],
)
def test_sums_are_largest_first_and_come_to_the_total(by: str, rows: list[list[str]]) -> None:
    lines = report(JOBS, by)
    assert [line.split() for line in lines[1:]] == [*rows, ["total", "4", "3.50", "2.93"]]


def test_what_has_no_price_is_said() -> None:
    lines = report([*JOBS, listed(instance_type="ml.x9.large")], "instance-type")
    assert lines[-2].split() == ["total", "5", "4.00", "2.93+"]
    assert "ml.x9.large" in lines[-1]
    assert "ATTUNE_TRAINING_PRICES" in lines[-1]
