"""The log and the metrics of the event functions, as JSON lines that CloudWatch understands."""

from __future__ import annotations

import logging
import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

_NAME = os.environ.get("POWERTOOLS_SERVICE_NAME", "attune-events")

logger = Logger(service=_NAME)
_metrics = Metrics(namespace="Attune", service=_NAME)

# What the rooms below say goes the same way.
logging.getLogger("chalicelib").addHandler(logger.registered_handler)
logging.getLogger("chalicelib").setLevel(logging.INFO)


def count(name: str, value: float = 1) -> None:
    """Count something that happened. Nothing is not written: CloudWatch charges for each metric in use."""
    if value:
        _metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def measure_s(name: str, seconds: float) -> None:
    """Note how long something took."""
    _metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=seconds)


def flush() -> None:
    """Write out what was counted and measured during one call of a function."""
    if _metrics.metric_set:
        _metrics.flush_metrics()
