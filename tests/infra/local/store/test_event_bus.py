"""The event bus of one machine: what it acknowledges is a line on the disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from infra.local.store import event_bus
from infra.local.store.event_bus import EventBus

GOOD = {"Source": "attune", "DetailType": "Attune Training Ended", "Detail": '{"run": 1}', "Resources": ["a"]}


def put(bus: EventBus, *entries: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    status, _, body = bus.handle("PutEvents", json.dumps({"Entries": entries}).encode())
    return status, json.loads(body)


def lines(folder: Path, name: str = event_bus.FILE_NAME) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_an_event_is_written_as_rules_would_see_it(tmp_path: Path) -> None:
    status, answer = put(EventBus(tmp_path), GOOD, GOOD)
    first, second = lines(tmp_path)
    assert status == 200
    assert answer == {"FailedEntryCount": 0, "Entries": [{"EventId": one["id"]} for one in (first, second)]}
    assert (first["source"], first["detail-type"]) == ("attune", "Attune Training Ended")
    assert (first["detail"], first["resources"]) == ({"run": 1}, ["a"])
    assert first["id"] != second["id"]
    put(EventBus(tmp_path), GOOD)  # after a restart
    assert len(lines(tmp_path)) == 3


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Source": ""}, "InvalidArgument"),
        ({"DetailType": None}, "InvalidArgument"),
        ({"Detail": "{"}, "MalformedDetail"),
    ],
)
def test_a_bad_entry_is_told_and_the_others_are_taken(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    status, answer = put(EventBus(tmp_path), GOOD | change, GOOD)
    assert (status, answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (200, 1, code)
    assert [one["id"] for one in lines(tmp_path)] == [answer["Entries"][1]["EventId"]]


def test_what_else_eventbridge_can_do_is_refused(tmp_path: Path) -> None:
    bus = EventBus(tmp_path)
    assert bus.handle("PutRule", b"{}")[0] == 400
    assert put(bus)[0] == 400
    assert put(bus, *[GOOD] * 11)[0] == 400
    assert not (tmp_path / event_bus.FILE_NAME).exists()


def test_the_file_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_bus, "MOST_BYTES", 600)
    bus = EventBus(tmp_path)
    for _ in range(9):
        put(bus, GOOD)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.1.jsonl", "events.jsonl"]
    assert all(path.stat().st_size <= 600 for path in tmp_path.iterdir())
    assert lines(tmp_path) and lines(tmp_path, "events.1.jsonl")


def test_a_disk_that_refuses_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bus = EventBus(tmp_path)
    put(bus, GOOD)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            put(bus, GOOD)
    assert len(lines(tmp_path)) == 1
    assert put(bus, GOOD)[0] == 200
    assert len(lines(tmp_path)) == 2
