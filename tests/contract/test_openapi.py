"""The running service against its own description: requests that schemathesis makes of it, page and figures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.request

import pytest

from bench.openapi import Examiner
from tests.gateway.test_metrics import samples
from tests.running_service import ROOT, RunningService

pytest.importorskip("schemathesis")

_REQUESTS = 200
"""`python -m bench openapi` makes 10,000."""


@pytest.fixture(scope="module")
def stranger(service: RunningService) -> str:
    """A key of an owner that nobody else uses."""
    environment = os.environ | {"ATTUNE_HOME": str(service.home)}
    command = [sys.executable, "-m", "infra.keys", "make", "--label", "examiner"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    found = re.search(r"key +(\S+)", done.stdout)
    assert found is not None, done.stdout
    return found[1]


def test_no_request_gets_a_fault_or_an_answer_that_is_not_described(
    service: RunningService, stranger: str
) -> None:
    found = Examiner(service.url, stranger).examine(_REQUESTS)
    assert found.faults == []
    assert found.sent >= _REQUESTS * 0.8
    assert found.successes >= found.sent / 10, found.statuses
    assert {200, 201, 400, 401, 404} <= found.statuses.keys()


def test_the_page_is_served_with_its_policy(service: RunningService) -> None:
    with urllib.request.urlopen(f"{service.url}/docs", timeout=120) as answer:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert b"/v1/audio/transcriptions" in answer.read()


def test_the_figures_of_the_machine_are_shown(service: RunningService) -> None:
    with urllib.request.urlopen(f"{service.url}/metrics", timeout=120) as answer:
        found = samples(answer.read())
    parts = {name for name in found if name.startswith("attune_process_resident_bytes")}
    for part in ("service", "store", "event_workers", "sagemaker_emulator", "lambda_emulator"):
        assert f'attune_process_resident_bytes{{part="{part}"}}' in parts
    assert 'attune_queue_messages{queue="attune-recognition-queued",state="waiting"}' in found
    assert any(name.startswith("attune_http_requests_total") for name in found)
