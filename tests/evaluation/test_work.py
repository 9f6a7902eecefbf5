"""Evaluations are worked on piece by piece, whatever comes twice, late, or not at all."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib import settings as service_settings
from chalicelib.evaluation import contenders, evaluations, hearing, statuses, test_sets, work
from chalicelib.evaluation.evaluations import Material
from chalicelib.recognition.request import backend
from chalicelib.sharing import meter
from chalicelib.storage import layout, objects, queues
from chalicelib.storage.conditional import write
from tests.audio.archives.packing import zipped
from tests.custom_models import OWNER
from tests.evaluation import archives
from tests.repeated_writes import write_twice

TEXTS = [f"please call number {number}" for number in range(5)]
NARROW = "en-US_NarrowbandModel"


@dataclass
class Recognition:
    """Stands for the recognition function."""

    asked: list[tuple[str, str]] = field(default_factory=list)
    """Base version and key of the audio."""

    def __call__(self, event: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((event["base_version"], event["audio"]["key"]))
        alternative = {"transcript": "please call number ", "confidence": 0.5}
        results = {"result_index": 0, "results": [{"final": True, "alternatives": [alternative]}]}
        return {"results": results}


@pytest.fixture
def recognition(account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recognition]:
    made = Recognition()
    monkeypatch.setattr(backend, "ask", made)
    monkeypatch.setattr(hearing, "_MOST_UTTERANCES", 2)
    monkeypatch.setenv("ATTUNE_PIECES_AT_ONCE", "2")
    service_settings.current.cache_clear()
    yield made
    service_settings.current.cache_clear()
    _taken()
    for prefix in ("evaluations/", "test-sets/"):
        objects.delete_below(prefix)


def _set() -> str:
    test_set_id = test_sets.new_id()
    objects.put(layout.TestSetKey(OWNER, test_set_id).upload_key, zipped(archives.with_texts(TEXTS)))
    test_sets.create(OWNER, test_set_id, name="", size_bytes=1, contained_content_type=None, customer_id=None)
    _taken()
    assert work.read(OWNER, test_set_id, last_attempt=False) == "available"
    return test_set_id


def _new(test_set_id: str) -> str:
    models = [
        contenders.chosen(OWNER, {"model": NARROW, "base_model_version": f"{NARROW}.v2019-06-24"}),
        contenders.chosen(OWNER, {"model": NARROW}),
    ]
    row = evaluations.create(OWNER, "", Material(evaluations.TEST_SET, test_set_id), models, None)
    return str(row.evaluation_id)


def _taken() -> list[dict[str, Any]]:
    """Take the messages that wait."""
    url = queues.url_of("attune-evaluation-due")
    found = queues.client().receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        queues.client().delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return [json.loads(message["Body"]) for message in found]


def _metered() -> dict[str, tuple[float, int]]:
    """Return seconds and evaluations that the owner's meter shows, by engine."""
    today = datetime.now(UTC).date()
    return {one.engine: (one.audio_s, one.count) for one in meter.of_owner(OWNER, today, today)}


def _work(message: dict[str, Any], *, last_attempt: bool = False) -> str | None:
    return work.work(OWNER, message["evaluation"], message.get("piece"), last_attempt=last_attempt)


@settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_whatever_comes_twice_or_out_of_order(recognition: Recognition, data: st.DataObject) -> None:
    recognition.asked.clear()
    before = _metered()
    test_set_id = _set()
    evaluation_id = _new(test_set_id)
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
    row = evaluations.get(OWNER, evaluation_id)
    assert row.status == "completed"
    assert set(Counter(recognition.asked).values()) == {1}, "no utterance is recognised twice by a model"
    assert len(recognition.asked) == 2 * len(TEXTS)
    audio_s = float(test_sets.get(OWNER, test_set_id).duration_s)
    for engine in ("sphinx", "whisper"):
        seconds, times = before.get(engine, (0.0, 0))
        metered_s, metered_times = _metered()[engine]
        assert metered_s == pytest.approx(seconds + audio_s, abs=0.01)
        assert metered_times == times + 1
    results = evaluations.results(row)
    assert [model["deletions"] for model in results["models"]] == [5, 5]
    assert sorted(key.rpartition("/")[2] for key in objects.keys("evaluations/")) == [
        "picture.svg",
        "results.json",
    ]
    evaluations.delete(OWNER, evaluation_id)
    test_sets.delete(OWNER, test_set_id)


def test_only_so_many_pieces_wait_at_once_and_lost_messages_are_made_up_for(
    recognition: Recognition,
) -> None:
    evaluation_id = _new(_set())
    (first,) = _taken()
    assert _work(first) == "processing"
    assert [message["piece"] for message in _taken()] == [0, 1]  # and these are lost
    assert evaluations.progress(evaluations.get(OWNER, evaluation_id)) == 0
    while (row := evaluations.get(OWNER, evaluation_id)).status == "processing":
        evaluations.announce_again(row)
        (message, *_) = _taken()
        _work(message)
    assert row.status == "completed"


def test_whoever_dies_between_the_last_piece_and_the_end(recognition: Recognition) -> None:
    evaluation_id = _new(_set())
    (first,) = _taken()
    _work(first)
    row = evaluations.get(OWNER, evaluation_id)
    for piece in evaluations.pieces_left(row):
        work._hear(row, contenders.from_json(row.models), piece)
        write(statuses.piece_done(row, piece, datetime.now(UTC)))
    assert evaluations.get(OWNER, evaluation_id).status == "processing"
    assert _work({"evaluation": evaluation_id, "piece": 0}) == "completed"


def test_an_error_of_our_own_fails_it_only_when_it_has_come_often(
    recognition: Recognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluation_id = _new(_set())
    (first,) = _taken()
    _work(first)

    def broken(event: dict[str, Any]) -> dict[str, Any]:
        raise KeyError("results")

    monkeypatch.setattr(backend, "ask", broken)
    message = {"evaluation": evaluation_id, "piece": 0}
    with pytest.raises(KeyError):
        _work(message)
    assert _work(message, last_attempt=True) == "failed"
    error = evaluations.get(OWNER, evaluation_id).error
    assert error is not None
    assert "internal error" in error
    assert list(objects.keys("evaluations/")) == []


def test_writes_whose_first_answer_was_lost(
    recognition: Recognition, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (evaluations, test_sets, work):
        monkeypatch.setattr(module, "write", write_twice)
    test_set_id = _set()
    evaluation_id = _new(test_set_id)
    (message,) = _taken()
    for _ in range(3):
        _work(message)
    assert evaluations.get(OWNER, evaluation_id).status == "processing"
    evaluations.delete(OWNER, evaluation_id)
    test_sets.delete(OWNER, test_set_id)
    assert list(objects.keys("evaluations/")) + list(objects.keys("test-sets/")) == []
