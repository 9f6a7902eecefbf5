"""Watson's documented ways to recognise with curl, as `docs/examples.md` has them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile
import soxr

from infra.local.demo.prompts import Prompt
from tests.receiver import Receiver
from tests.running_service import RunningService

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")

PAGE = Path(__file__).parent.parent.parent / "docs" / "examples.md"
SECTIONS = [section.partition("\n") for section in PAGE.read_text().split("\n## ")[1:]]
EXAMPLES = {heading: text.partition("```sh\n")[2].partition("```")[0] for heading, _, text in SECTIONS}


class Shell:
    """Types the examples of the page."""

    def __init__(self, service: RunningService, folder: Path) -> None:
        self.names = {"KEY": service.key, "URL": service.url}
        self.folder = folder

    def __call__(self, example: str, **names: str) -> tuple[int, Any]:
        """Return the status and the answer, None when it is empty."""
        command = EXAMPLES[example].replace("curl ", "curl -sS -w '\\n%{http_code}' ", 1)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=os.environ | self.names | names,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        body, _, status = done.stdout.rpartition("\n")
        return int(status), json.loads(body) if body else None

    def ended(self, job_id: str) -> Any:
        """Ask for a job until it has ended."""
        deadline = time.monotonic() + 300
        while True:
            status, job = self("Check a job", JOB=job_id)
            assert status == 200, job
            if job["status"] in ("completed", "failed"):
                return job
            assert time.monotonic() < deadline, job
            time.sleep(0.2)


@pytest.fixture
def shell(service: RunningService, prompts: list[Prompt], tmp_path: Path) -> Shell:
    files = {prompt.name: prompt.path for prompt in prompts}
    for name, prompt in (("file", "vm-goodbye"), ("file1", "vm-goodbye"), ("file2", "conf-invalid")):
        samples, rate_hz = soundfile.read(files[prompt], dtype="float32")
        soundfile.write(tmp_path / f"audio-{name}.flac", soxr.resample(samples, rate_hz, 16_000), 16_000)
    (tmp_path / "audio-file.wav").write_bytes(files["vm-goodbye"].read_bytes())
    return Shell(service, tmp_path)


def test_a_file_is_recognised(shell: Shell) -> None:
    status, plain = shell("Recognise a file")
    assert (status, list(plain)) == (200, ["result_index", "results"])
    (first,) = plain["results"][0]["alternatives"]
    assert list(first) == ["transcript", "confidence"]
    status, more = shell("Recognise with options")
    assert status == 200
    alternatives = more["results"][0]["alternatives"]
    assert 1 < len(alternatives) <= 3
    assert [word for word, _, _ in alternatives[0]["timestamps"]] == first["transcript"].split()
    status, token = shell("Get a token")
    assert status == 200
    assert shell("Recognise with a token", TOKEN=token["access_token"]) == (200, plain)
    status, streamed = shell("Stream a file")
    assert (status, list(streamed)) == (200, ["result_index", "results"])
    assert streamed["results"]


def test_two_files_are_one_form(shell: Shell) -> None:
    status, answer = shell("Recognise several files at once")
    assert (status, answer["result_index"]) == (200, 0)
    assert len(answer["results"]) >= 2
    for result in answer["results"]:
        assert result["final"] is True
        assert set(result) == {"final", "alternatives", "word_alternatives", "keywords_result"}
        assert result["alternatives"][0]["timestamps"]
    starts = [result["alternatives"][0]["timestamps"][0][1] for result in answer["results"]]
    assert starts != sorted(starts) or starts[1] < 1.0, "times are those of each file"


def test_a_job_is_told_of_by_callback(shell: Shell, receiver: Receiver) -> None:
    names = {"CALLBACK": receiver.url}
    assert shell("Register a callback", **names) == (201, {"status": "created", "url": receiver.url})
    ((path, headers),) = receiver.challenges
    challenge = path.partition("challenge_string=")[2]
    assert challenge.isalnum()
    assert headers["accept"] == "text/plain"
    assert headers["x-callback-signature"] == signature(challenge.encode())
    assert shell("Register a callback", **names) == (200, {"status": "already created", "url": receiver.url})

    status, made = shell("Create a job that tells its callback", **names)
    assert (status, made["status"], set(made)) == (201, "waiting", {"created", "id", "url", "status"})
    job = shell.ended(made["id"])
    assert job["status"] == "completed"
    assert set(job) == {"id", "created", "updated", "status", "results"}
    assert job["results"][0]["results"][0]["alternatives"][0]["timestamps"]
    deadline = time.monotonic() + 300
    while len(receiver.news_of(made["id"])) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert receiver.news_of(made["id"]) == [
        {"id": made["id"], "event": event, "user_token": "job25"}
        for event in ("recognitions.started", "recognitions.completed")
    ]
    assert all(headers["x-callback-signature"] == signature(body) for headers, body in receiver.told)

    status, listed = shell("Check the latest jobs")
    assert status == 200
    entry = next(one for one in listed["recognitions"] if one["id"] == made["id"])
    assert entry == {name: held for name, held in job.items() if name != "results"} | {"user_token": "job25"}
    assert shell("Delete a job", JOB=made["id"]) == (204, None)
    assert shell("Check a job", JOB=made["id"])[0] == 404
    assert shell("Unregister a callback", **names)[0] == 200
    assert shell("Create a job that tells its callback", **names)[0] == 400


def signature(body: bytes) -> str:
    return base64.b64encode(hmac.new(b"ThisIsMySecret", body, hashlib.sha1).digest()).decode()


def test_a_job_is_polled_for(shell: Shell) -> None:
    status, made = shell("Create a job")
    assert status == 201
    job = shell.ended(made["id"])
    assert set(job) == {"id", "created", "updated", "status", "results"}
    assert job["results"][0]["results"][0]["alternatives"][0]["timestamps"]
    assert shell("Delete a job", JOB=made["id"])[0] == 204


def test_what_bears_a_customers_label_is_deleted(shell: Shell) -> None:
    status, made = shell("Label what you send")
    assert status == 201
    assert shell("Delete what has a label") == (200, {})
    assert shell("Check a job", JOB=made["id"])[0] == 404
    assert shell("Delete what has a label") == (200, {})
