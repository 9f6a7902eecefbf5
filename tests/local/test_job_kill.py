"""SIGKILL of the whole service while it works on recognition jobs: what was acknowledged is completed."""

from __future__ import annotations

import io
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile

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
    until = time.monotonic() + 240
    while True:
        status, job = service.call("GET", f"/v1/recognitions/{job_id}")
        assert status == 200, job
        if job["status"] == "completed":
            return job["results"]
        assert job["status"] in ("waiting", "processing"), job
        assert time.monotonic() < until, job
        time.sleep(0.1)


@pytest.mark.slow
def test_a_kill_at_any_point_loses_no_job(tmp_path: Path) -> None:
    with running_service(tmp_path / "home") as service:
        first, second = _post(service, 4.0), _post(service, 2.0)
        # 1: right after they were acknowledged, one probably at work
        _kill_and_restart(service)
        results = _completed(service, first)
        assert [set(result) for result in results] == [{"result_index", "results"}]
        _completed(service, second)
        # 2: with results, which stay
        _kill_and_restart(service)
        assert _completed(service, first) == results
        _, listed = service.call("GET", "/v1/recognitions")
        assert [job["id"] for job in listed["recognitions"]] == [second, first]
        # 3: an acknowledged removal stays one
        status, _ = service.call("DELETE", f"/v1/recognitions/{first}")
        assert status == 204
        _kill_and_restart(service)
        status, _ = service.call("GET", f"/v1/recognitions/{first}")
        assert status == 404
