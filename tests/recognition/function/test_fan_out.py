"""Processes that share nothing but the store decode one recording side by side; one of them is killed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from chalicelib.jobs import recognition_jobs
from chalicelib.recognition.decoding.decoders import DecoderPool
from chalicelib.recognition.function import handler, steps
from chalicelib.storage import connection, objects, queues
from chalicelib.storage.layout import JobKey
from tests import resources
from tests.custom_models import OWNER
from tests.running_service import ROOT

WORKERS = 2
PROMPTS = ("conf-invalid", "conf-kicked", "conf-extended", "conf-onlyone")


@pytest.fixture
def store() -> Iterator[str]:
    """The bucket, the tables and the queues behind an address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    clients = (objects.client, connection.shared, queues.client, queues.url_of)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", url)
        for client in clients:
            client.cache_clear()
        resources.create()
        yield url
    for client in clients:
        client.cache_clear()
    server.stop()


def _worker(log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    variables = {
        "AWS_LAMBDA_FUNCTION_NAME": "attune-recognition-queued",
        "ATTUNE_PIECE_S": "1",
        "ATTUNE_PIECES_AT_ONCE": "8",
    }
    command = [sys.executable, "-m", "tests.recognition.function.piece_worker", str(log), *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | variables, stdin=pipe, stdout=pipe)


def _begin(*workers: subprocess.Popen[bytes]) -> None:
    """Let workers begin as soon as all of them are ready."""
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"\n")
        worker.stdin.flush()


def _decoded(log: Path) -> list[tuple[int, int]]:
    """Return which pieces were decoded, each with the process that did it."""
    return [(int(piece), int(process)) for piece, process in map(str.split, log.read_text().splitlines())]


def test_processes_together_give_the_answer_of_one(
    store: str,
    speech: Callable[..., bytes],
    pool: DecoderPool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(steps, "decoder_pool", lambda: pool)
    job_id = recognition_jobs.new_id()
    event: dict[str, Any] = {
        "audio": {"bucket": "attune-test", "key": "spool/recording", "content_type": "audio/wav"},
        "base_version": "en-US_NarrowbandModel.v2019-06-24",
        "adapted_model": None,
        "options": {"timestamps": True, "max_alternatives": 2},
    }
    recording = speech(*PROMPTS)
    objects.put("spool/recording", recording)
    whole = handler.handle(event)["results"]
    assert len(whole["results"]) >= len(PROMPTS)
    key = JobKey(OWNER, job_id).audio_key
    objects.put(key, recording)
    event["audio"]["key"] = key
    recognition_jobs.create(OWNER, job_id, event)
    log = tmp_path / "pieces"
    first = _worker(log, "dies")
    _begin(first)
    assert first.wait(600) < 0  # it has cut the recording, and decoded a piece in vain
    first.communicate()
    ((lost, killed),) = _decoded(log)
    workers = [_worker(log) for _ in range(WORKERS)]
    _begin(*workers)
    try:
        until_s = time.monotonic() + 600
        while (
            job := recognition_jobs.get(OWNER, job_id)
        ).status != "completed" and time.monotonic() < until_s:
            time.sleep(0.1)
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert recognition_jobs.results(job) == [whole]
    decoded = _decoded(log)
    pieces = [piece for piece, _ in decoded]
    assert pieces.count(lost) == 2, "what was killed has come back"
    assert sorted({*pieces}) == list(range(len(pieces) - 1)), "and nothing else was decoded twice"
    assert len({process for _, process in decoded} - {killed}) > 1
