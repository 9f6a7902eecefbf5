"""Has SageMaker's SDK create the training job of a request on standard input; prints the SDK's version."""

from __future__ import annotations

import importlib.metadata
import json
import re
import sys
from typing import Any

_MAPS = {"HyperParameters", "Environment"}
"""Whose keys are the user's own."""


def arguments(value: Any, field: str = "") -> Any:
    """Return a request of boto3 as the SDK takes it: `VolumeSizeInGB` is `volume_size_in_gb` there."""
    if isinstance(value, list):
        return [arguments(inner) for inner in value]
    if not isinstance(value, dict) or field in _MAPS:
        return value
    return {
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower(): arguments(inner, name)
        for name, inner in value.items()
    }


def main() -> None:
    """Create the job."""
    from infra.training import sdk

    sdk.module("core.resources").TrainingJob.create(**arguments(json.load(sys.stdin)))
    print(importlib.metadata.version("sagemaker"))


if __name__ == "__main__":
    main()
