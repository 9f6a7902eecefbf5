from __future__ import annotations

from infra.training.listing import report
from tests.infra.training.listed import listed


def test_a_line_for_each_job_and_why_it_failed() -> None:
    running = listed(
        name="attune-b-000002", status="InProgress", secondary_status="Training", billable_s=None
    )
    failed = listed(
        status="Failed", secondary_status="Failed", reason="AlgorithmError: No\nspeech.", billable_s=36
    )
    unknown = listed(instance_type="ml.x9.large", instance_count=2)
    assert report([running, failed, unknown]) == [
        "job              status                 created           machines          billed s   USD",
        "attune-b-000002  InProgress (Training)  2026-11-30 09:05  1 × ml.g5.xlarge         –     –",
        "attune-a-000001  Failed                 2026-11-30 09:05  1 × ml.g5.xlarge        36  0.01",
        "    AlgorithmError: No speech.",
        "attune-a-000001  Completed              2026-11-30 09:05  2 × ml.x9.large       1800     –",
    ]


def test_without_jobs_there_is_the_head_alone() -> None:
    assert report([]) == ["job  status  created  machines  billed s  USD"]
