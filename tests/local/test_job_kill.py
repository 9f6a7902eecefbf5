"""SIGKILL of the whole service while it works on recognition jobs: what was acknowledged is completed."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile

from tests.audio.archives.packing import zipped
from tests.audio.signals import voice
from tests.local.running import RunningService, running_service

_JOBS = "/v1/recognitions?model=en-US_NarrowbandModel"


def _recording(duration_s: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, voice(duration_s, 8000), 8000, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _post(service: RunningService, duration_s: float) -> str:
    status, job = service.call("POST", _JOBS, _recording(duration_s), "audio/flac")
    assert status == 201, job
    return str(job["id"])


def _kill_and_restart(service: RunningService) -> None:
    service.kill()
    assert service.left_behind() == []
    service.launch()
    service.wait_until_ready()


def _completed(service: RunningService, job_id: str) -> Any:
    until = time.monotonic() + 900
    while True:
        status, job = service.call("GET", f"/v1/recognitions/{job_id}")
        assert status == 200, job
        if job["status"] == "completed":
            return job["results"]
        assert job["status"] in ("waiting", "processing"), job
        assert time.monotonic() < until, job
        time.sleep(0.1)


def _test_set(service: RunningService) -> str:
    """Add three recordings with transcripts; return the path of the set."""
    members = {f"{number}.flac": _recording(1.0 + number) for number in range(3)}
    members |= {f"{number}.txt": b"nobody said this" for number in range(3)}
    status, made = service.call("POST", "/v1/test_sets", zipped(members), "application/zip")
    assert status == 201, made
    return f"/v1/test_sets/{made['test_set_id']}"


def _evaluation(service: RunningService, test_set: str) -> str:
    """Have the light engine measured on a set; return the path of the evaluation."""
    models = [{"base_model_version": "en-US_NarrowbandModel.v2019-06-24"}]
    document = {"test_set_id": test_set.rpartition("/")[2], "models": models}
    status, made = service.call("POST", "/v1/evaluations", json.dumps(document).encode(), "application/json")
    assert status == 202, made
    return f"/v1/evaluations/{made['evaluation_id']}"


def _done(service: RunningService, path: str) -> Any:
    until = time.monotonic() + 900
    while True:
        status, shown = service.call("GET", path)
        assert status == 200, shown
        if shown["status"] not in ("waiting", "processing"):
            return shown
        assert time.monotonic() < until, shown
        time.sleep(0.1)


@pytest.mark.slow
def test_a_kill_at_any_point_loses_no_job_and_no_evaluation(tmp_path: Path) -> None:
    with running_service(tmp_path / "home") as service:
        first, second = _post(service, 4.0), _post(service, 2.0)
        test_set = _test_set(service)
        # 1: right after they were acknowledged, one probably at work
        _kill_and_restart(service)
        assert _done(service, test_set)["utterances"] == 3
        evaluation = _evaluation(service, test_set)
        results = _completed(service, first)
        assert [set(result) for result in results] == [{"result_index", "results"}]
        _completed(service, second)
        # 2: with results, which stay, and an evaluation under way
        _kill_and_restart(service)
        measured = _done(service, evaluation)
        assert measured["status"] == "completed", measured
        assert [model["words"] for model in measured["results"]["models"]] == [9]
        assert _completed(service, first) == results
        _, listed = service.call("GET", "/v1/recognitions")
        assert [job["id"] for job in listed["recognitions"]] == [second, first]
        # 3: an acknowledged removal stays one
        status, _ = service.call("DELETE", f"/v1/recognitions/{first}")
        assert status == 204
        _kill_and_restart(service)
        status, _ = service.call("GET", f"/v1/recognitions/{first}")
        assert status == 404
