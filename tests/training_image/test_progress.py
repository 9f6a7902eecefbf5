"""Progress: never back, once a second, with the time left as measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training_image.progress import Progress, WorkDone, published


class Clock:
    """A clock that the test moves."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_the_time_left_follows_the_measured_speed(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "checkpoints" / "progress.json"
    progress = Progress(path, clock=clock)
    progress.report(0, "reading the audio")
    first = _read(path)
    assert (first["progress"], first["stage"], first["seconds_left"]) == (0, "reading the audio", None)
    assert first["updated"].endswith("Z")
    clock.now_s = 10
    progress.report(0.25, "reading the audio")
    assert (_read(path)["progress"], _read(path)["seconds_left"]) == (25, 30)
    progress.report(1, "done")
    assert (_read(path)["progress"], _read(path)["seconds_left"]) == (100, 0)


def test_it_writes_once_a_second_and_at_a_new_stage(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress.json"
    progress = Progress(path, clock=clock)
    progress.report(0.1, "one")
    clock.now_s = 0.5
    progress.report(0.2, "one")
    assert _read(path)["progress"] == 10
    progress.report(0.3, "two")
    assert _read(path)["progress"] == 30
    clock.now_s = 1.6
    progress.report(0.4, "two")
    assert _read(path)["progress"] == 40


def test_a_resumed_job_goes_on_where_it_was_and_measures_only_new_work(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "progress.json"
    Progress(path, clock=clock).report(0.5, "round 1")
    resumed = Progress(path, floor=published(path), clock=clock)
    resumed.report(0, "reading the audio")
    clock.now_s = 1
    resumed.report(0.5, "round 1")
    assert (_read(path)["progress"], _read(path)["seconds_left"]) == (50, None)
    clock.now_s = 11
    resumed.report(0.6, "round 1")
    assert _read(path)["progress"] == 60
    assert _read(path)["seconds_left"] == pytest.approx(40, abs=0.1)


@settings(deadline=None)
@given(reports=st.lists(st.tuples(st.floats(0, 100), st.floats(-0.5, 1.5), st.sampled_from("ab"))))
def test_it_never_goes_back(tmp_path_factory: pytest.TempPathFactory, reports: list[Any]) -> None:
    clock, path = Clock(), tmp_path_factory.mktemp("progress") / "progress.json"
    progress, last = Progress(path, floor=12.5, clock=clock), 12.5
    for step_s, fraction, stage in reports:
        clock.now_s += step_s
        progress.report(fraction, stage)
        assert last <= published(path) <= 100
        left = _read(path)["seconds_left"]
        assert left is None or left >= 0
        last = published(path)


def test_parts_share_the_whole(tmp_path: Path) -> None:
    progress = Progress(tmp_path / "progress.json", clock=Clock())
    progress.part(0.2, 0.6)(0.5, "adapting")
    assert _read(progress.path)["progress"] == 40


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"progress": null}', b'{"progress": NaN}', b"\xff"])
def test_an_unreadable_file_counts_as_no_progress(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "progress.json").write_bytes(content)
    assert published(tmp_path / "progress.json") == 0
    assert published(tmp_path / "missing.json") == 0


def test_work_adds_up_to_the_whole_and_never_beyond() -> None:
    told: list[tuple[float, str]] = []
    done = WorkDone(lambda share, stage: told.append((share, stage)), 4.0)
    for work, stage in ((1.0, "reading"), (2.0, "learning"), (3.0, "judging")):
        done.add(work, stage)
    assert told == [(0.25, "reading"), (0.75, "learning"), (1.0, "judging")]


def test_what_is_expected_anew_changes_the_share_that_is_done() -> None:
    told: list[float] = []
    done = WorkDone(lambda share, stage: told.append(share), 10.0)
    done.add(1.0, "reading")
    done.expect(3.0)
    done.add(1.0, "learning")
    done.add(2.0, "learning")
    assert told == [0.1, 0.5, 1.0]
