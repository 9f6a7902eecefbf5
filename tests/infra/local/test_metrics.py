"""The figures that one machine adds to `/metrics`."""

from __future__ import annotations

from pathlib import Path

import pytest

from chalicelib.gateway.metrics import text
from chalicelib.sharing import usage
from chalicelib.storage import failures, queues
from infra import resources
from infra.local.metrics import Readings
from tests import custom_models
from tests.gateway.test_metrics import samples

QUEUES = [
    queue.name
    for queue in resources.load(parameters={"TrainingImage": "local", "EngineLayer": "local"}).queues
]


@pytest.fixture
def readings(aws: None, tmp_path: Path) -> Readings:
    queues.client.cache_clear()
    queues.url_of.cache_clear()
    return Readings(tmp_path, QUEUES)


def test_all_is_read_and_nobody_is_named(readings: Readings) -> None:
    custom_models.new()
    custom_models.new()
    usage.add(custom_models.OWNER, 12.5)
    usage.add("somebody-else", 7.5)
    queues.send(QUEUES[-1], {"owner": custom_models.OWNER})
    shown = text(readings())
    found = samples(shown.encode())
    assert found['attune_custom_models{kind="acoustic",status="pending"}'] == 2
    assert found['attune_audio_recognised_seconds{window="day"}'] == 20
    assert found['attune_audio_recognised_recordings{window="day"}'] == 2
    assert found[f'attune_queue_messages{{queue="{QUEUES[-1]}",state="waiting"}}'] == 1
    assert {f'attune_trainings{{state="{state}"}}' for state in ("waiting", "at_work")} <= found.keys()
    assert found['attune_process_resident_bytes{part="service"}'] > 1_000_000
    assert found["attune_disk_free_bytes"] > 0
    assert custom_models.OWNER not in shown
    assert "somebody-else" not in shown


def test_a_store_that_does_not_answer_leaves_the_rest(
    readings: Readings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(queue: str) -> dict[str, int]:
        raise failures.FAILURES[0]

    monkeypatch.setattr(queues, "lengths", fail)
    names = {family.name for family in readings()}
    assert "attune_queue_messages" not in names
    assert {"attune_custom_models", "attune_process_resident_bytes"} <= names
