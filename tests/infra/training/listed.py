"""Jobs as the operator's commands see them, made up."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from infra.training.jobs import ListedJob


def listed(**changes: Any) -> ListedJob:
    """Return a job that has ended well, with some fields changed."""
    fields: dict[str, Any] = {
        "name": "attune-a-000001",
        "arn": "arn:aws:sagemaker:us-east-1:000000000000:training-job/attune-a-000001",
        "status": "Completed",
        "secondary_status": "Completed",
        "reason": "",
        "created": datetime(2026, 11, 30, 9, 5, tzinfo=UTC),
        "instance_type": "ml.g5.xlarge",
        "instance_count": 1,
        "billable_s": 1800,
        "progress_uri": None,
        "tags": {"attune:owner": "one"},
    }
    return ListedJob(**{**fields, **changes})
