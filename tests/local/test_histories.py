"""Whatever part is killed at whatever moment: nothing is lost, nothing is there twice, nothing stays undone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.local.histories import Counts, History, process_of
from tests.local.running import RunningService, running_service

_STILL_S = 60.0
"""Other tests run beside; `bench faults` asks for half of it."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(tmp_path_factory.mktemp("histories") / "home") as running:
        yield running


@pytest.mark.slow
def test_histories_with_kills(service: RunningService) -> None:
    class Short(History):
        longest_standstill_s = _STILL_S
        counts = Counts()

    Short.service = service
    # What fails here depends on moments: it cannot be made smaller.
    run_state_machine_as_test(
        Short, settings=settings(max_examples=3, stateful_step_count=10, phases=[Phase.generate])
    )
    assert Short.counts.kills
    assert Short.counts.orders > 6


@pytest.mark.slow
def test_work_goes_on_at_once_when_the_store_alone_was_killed(service: RunningService) -> None:
    class Story(History):
        longest_standstill_s = _STILL_S
        counts = Counts()

    Story.service = service
    story = Story()
    story.begin()
    for number, name in enumerate(("one", "two", "three")):
        story.add_job(None, 0)
        story.add_audio(number, name, "ok", None, 0)
    os.kill(process_of(service, "infra.local.store.server"), signal.SIGKILL)
    story.teardown()  # which waits until all is done
