"""A job's results lie in the bucket as the job shows them."""

from __future__ import annotations

import json
import time
from typing import Any

from chalicelib.recognition.function import kept_results
from chalicelib.recognition.function.kept_results import Keeping
from chalicelib.storage import objects

FOUND = {"result_index": 0, "results": [{"final": True}]}


def _kept(answer: dict[str, Any], *warnings: str, age_s: float = 0.0) -> Any:
    keeping = Keeping("jobs/o/j/results.json", time.time() - age_s, warnings)
    kept_results.keep(Keeping.from_json(json.loads(json.dumps(keeping.to_json()))), answer)
    return json.loads(objects.get(keeping.key))


def test_results_are_kept_as_a_list_of_one(aws: None) -> None:
    assert _kept(dict(FOUND)) == [FOUND]


def test_warnings_come_along(aws: None) -> None:
    assert _kept(dict(FOUND), "too low") == [{"result_index": 0, "warnings": ["too low"], **FOUND}]


def test_metrics_come_first_with_the_time_since_the_job_was_made(aws: None) -> None:
    processed = {"received": 1.0}
    metrics, results = _kept(FOUND | {"processing_metrics": {"processed_audio": processed}}, age_s=100.0)
    took_s = metrics["processing_metrics"].pop("wall_clock_since_first_byte_received")
    assert 100.0 <= took_s < 1000.0
    assert metrics == {"processing_metrics": {"processed_audio": processed, "periodic": True}}
    assert results == FOUND
