"""Long recordings are worked on piece by piece, whatever comes twice, late, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib import settings as service_settings
from chalicelib.jobs import recognition_jobs, statuses, work
from chalicelib.recognition.function import kept_results
from chalicelib.recognition.function.kept_results import Keeping
from chalicelib.recognition.request import backend
from chalicelib.recognition.request.backend import RecognitionFailed
from chalicelib.sharing import meter
from chalicelib.storage import objects, queues
from chalicelib.storage.conditional import write
from tests.custom_models import OWNER
from tests.repeated_writes import write_twice

PIECES = 5
AUDIO_S = 1500.5
REQUEST = {
    "audio": {},
    "base_version": "en-US_BroadbandModel.v2020-01-16",
    "adapted_model": None,
    "language_model": {"key": "models/language", "sha256": ""},
}
RESULTS = {"result_index": 0, "results": ["all of it"]}


@dataclass
class Recognition:
    """Stands for the recognition function."""

    steps: list[dict[str, int]] = field(default_factory=list)
    fails: set[int] = field(default_factory=set)
    """Pieces that fail."""

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        step = {name: value for name, value in event["step"].items() if name not in ("prefix", "keep")}
        self.steps.append(step)
        if not step:
            return {"pieces": PIECES, "audio_s": AUDIO_S}
        if "piece" in step:
            if step["piece"] in self.fails:
                raise RecognitionFailed(500, "the engine failed")
            objects.put(f"{event['step']['prefix']}{step['piece']}", b"said")
            return {"piece": step["piece"]}
        kept_results.keep(Keeping.from_json(event["step"]["keep"]), RESULTS.copy())
        return {"kept": event["step"]["keep"]["key"]}

    @property
    def decoded(self) -> list[int]:
        return [step["piece"] for step in self.steps if "piece" in step]


@pytest.fixture
def recognition(aws: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recognition]:
    queues.client.cache_clear()
    queues.url_of.cache_clear()
    made = Recognition()
    monkeypatch.setattr(backend, "ask", made)
    monkeypatch.setenv("ATTUNE_PIECES_AT_ONCE", "2")
    service_settings.current.cache_clear()
    yield made
    service_settings.current.cache_clear()
    queues.client.cache_clear()
    queues.url_of.cache_clear()


def _new() -> str:
    job = recognition_jobs.create(OWNER, recognition_jobs.new_id(), REQUEST)
    objects.put(recognition_jobs.key_of(job).audio_key, b"audio")
    return str(job.job_id)


def _taken() -> list[dict[str, Any]]:
    """Take the messages that wait."""
    url = queues.url_of("attune-recognition-queued")
    found = queues.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        queues.client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def _metered() -> tuple[float, int]:
    """Return seconds and jobs that the owner's meter shows."""
    today = datetime.now(UTC).date()
    entries = meter.of_owner(OWNER, today - timedelta(days=1), today)
    assert {(one.work, one.engine, one.customization) for one in entries} <= {
        ("recognition", "sphinx", "language")
    }
    return sum(one.audio_s for one in entries), sum(one.count for one in entries)


def _work(message: dict[str, Any], *, last_attempt: bool = False) -> str | None:
    return work.work(message["owner"], message["id"], message.get("piece"), last_attempt=last_attempt)


def test_only_so_many_pieces_wait_at_once(recognition: Recognition) -> None:
    job_id = _new()
    (first,) = _taken()
    assert _work(first) == "processing"
    waiting = _taken()
    assert [message["piece"] for message in waiting] == [0, 1]
    done = 0
    while waiting:
        _work(waiting.pop(0))
        done += 1
        waiting += _taken()
        assert len(waiting) == min(2, PIECES - done)
    assert recognition.decoded == [0, 1, 2, 3, 4]
    assert recognition.steps[-1] == {"pieces": PIECES}
    job = recognition_jobs.get(OWNER, job_id)
    assert (job.status, recognition_jobs.results(job)) == ("completed", [RESULTS])
    assert list(objects.keys("jobs/")) == [recognition_jobs.key_of(job).results_key]


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_whatever_comes_twice_or_out_of_order(recognition: Recognition, data: st.DataObject) -> None:
    recognition.steps.clear()
    seconds, jobs = _metered()
    job_id = _new()
    waiting = _taken()
    seen = list(waiting)
    while waiting:
        at = data.draw(st.integers(0, len(waiting) - 1))
        message = waiting[at]
        if not data.draw(st.booleans()):  # else it will come once more
            del waiting[at]
        _work(message)
        if data.draw(st.integers(0, 4)) == 0:
            _work(data.draw(st.sampled_from(seen)))
        new = _taken()
        waiting += new
        seen += new
    assert recognition_jobs.get(OWNER, job_id).status == "completed"
    assert sorted(recognition.decoded) == list(range(PIECES)), "no piece is decoded again once it is done"
    assert _metered() == (seconds + AUDIO_S, jobs + 1)
    recognition_jobs.delete(OWNER, job_id)


def test_lost_messages_are_made_up_for(recognition: Recognition) -> None:
    job_id = _new()
    (first,) = _taken()
    _work(first)
    _taken()  # all lost
    while (job := recognition_jobs.get(OWNER, job_id)).status == "processing":
        recognition_jobs.announce_again(job)
        (message, *_) = _taken()
        _work(message)
    assert job.status == "completed"


def test_whoever_dies_between_the_last_piece_and_the_end(recognition: Recognition) -> None:
    job_id = _new()
    _work(_taken()[0])
    job = recognition_jobs.get(OWNER, job_id)
    for piece in range(PIECES):
        write(statuses.piece_done(job, piece, datetime.now(UTC)))
    assert recognition_jobs.get(OWNER, job_id).status == "processing"
    assert _work({"owner": OWNER, "id": job_id, "piece": 4}) == "completed"


def test_whoever_dies_between_the_end_and_the_clearing_away(recognition: Recognition) -> None:
    job_id = _new()
    (message,) = _taken()
    job = recognition_jobs.get(OWNER, job_id)
    write(statuses.begun(job, datetime.now(UTC)))
    write(statuses.failed(recognition_jobs.get(OWNER, job_id), "the engine failed", datetime.now(UTC)))
    assert list(objects.keys("jobs/")) == [recognition_jobs.key_of(job).audio_key]
    assert _work(message) == "failed"
    assert list(objects.keys("jobs/")) == []


def test_a_piece_that_cannot_be_decoded_fails_the_job(recognition: Recognition) -> None:
    job_id = _new()
    _work(_taken()[0])
    recognition.fails = {1}
    _, message = _taken()
    with pytest.raises(RecognitionFailed):
        _work(message)
    assert _work(message, last_attempt=True) == "failed"
    job = recognition_jobs.get(OWNER, job_id)
    assert job.error == "the engine failed"
    assert list(objects.keys("jobs/")) == []
    assert _work({"owner": OWNER, "id": job_id, "piece": 2}) == "failed"


def test_a_job_whose_first_answer_was_lost_is_made(
    recognition: Recognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition_jobs, "write", write_twice)
    job_id = _new()
    assert recognition_jobs.get(OWNER, job_id).status == "waiting"


def test_a_job_counts_once_though_first_answers_were_lost(
    recognition: Recognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, jobs = _metered()
    monkeypatch.setattr(work, "write", write_twice)
    job_id = _new()
    while (job := recognition_jobs.get(OWNER, job_id)).status in statuses.OPEN:
        recognition_jobs.announce_again(job)
        for message in _taken():
            _work(message)
    assert _metered() == (seconds + AUDIO_S, jobs + 1)
    recognition_jobs.delete(OWNER, job_id)


def test_a_job_that_fails_counts_nothing(recognition: Recognition) -> None:
    before = _metered()
    recognition.fails.add(2)
    _new()
    _work(_taken()[0])
    for message in (taken := _taken()):
        _work({**taken[0], "piece": 2}, last_attempt=True)
        _work(message)
    assert _metered() == before


def test_a_job_is_removed_though_the_first_answer_was_lost(
    recognition: Recognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = _new()
    monkeypatch.setattr(recognition_jobs, "write", write_twice)
    recognition_jobs.delete(OWNER, job_id)
    assert recognition_jobs.row(OWNER, job_id) is None
    assert list(objects.keys("jobs/")) == []
