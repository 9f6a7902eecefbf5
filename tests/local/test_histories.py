"""Whatever part is killed at whatever moment: nothing is lost, nothing is there twice, nothing stays undone."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from websockets.sync.client import ClientConnection, connect

from infra.local.processes import child
from tests.audio.signals import encoded, voice
from tests.local.histories import READER, Counts, History, part_of, process_of
from tests.local.running import RunningService, running_service

T = TypeVar("T")
_MOST_TRIES = 50
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


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["child", "both"])
def test_work_is_done_once_although_what_reads_its_recording_is_killed(
    service: RunningService, killed: str
) -> None:
    class Story(History):
        longest_standstill_s = _STILL_S
        counts = Counts()

    Story.service = service
    story = Story()
    story.begin()
    story.add_audio(0, "one", "ok", None, 0)
    story.add_job(None, 0)
    story.settle()  # by now either has started what reads
    names = map("again-{}".format, itertools.count())

    def upload() -> None:
        story.add_audio(0, next(names), "ok", None, 0)
        story.settle()

    def recognize() -> None:
        story.add_job(None, 0)
        story.settle()

    _until_struck(service, killed, upload)
    _until_struck(service, killed, recognize)
    story.teardown()  # which waits until all is done


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["child", "both"])
def test_a_request_says_to_try_again_when_what_reads_its_recording_is_killed(
    service: RunningService, killed: str
) -> None:
    recording = encoded(voice(4.0, 8000), 8000, "FLAC")
    path = "/v1/recognize?model=en-US_NarrowbandModel"
    status, whole = service.call("POST", path, recording, "audio/flac")
    assert status == 200
    status, answer = _until_struck(
        service, killed, lambda: service.call("POST", path, recording, "audio/flac")
    )
    if status != 200:  # it had been given something of the recording
        assert (status, answer["error"].split(".")[0]) == (500, "Recognition failed")
        status, answer = service.call("POST", path, recording, "audio/flac")
    assert (status, answer) == (200, whole)
    with _listening(service) as socket:
        socket.send(recording[: len(recording) // 2])
        with _striking(service, killed) as struck:
            assert struck.wait(60)
        socket.send(recording[len(recording) // 2 :])
        socket.send(json.dumps({"action": "stop"}))
        told = json.loads(socket.recv(60))
        failed = told.get("error", "").startswith("Recognition failed. Try again")
        # What had not begun to read is read again.
        assert failed or told["results"] == whole["results"], told
    with _listening(service) as socket:
        socket.send(recording)
        socket.send(json.dumps({"action": "stop"}))
        assert json.loads(socket.recv(60))["results"] == whole["results"]


@contextlib.contextmanager
def _listening(service: RunningService) -> Iterator[ClientConnection]:
    url = f"{service.url.replace('http', 'ws', 1)}/v1/recognize?model=en-US_NarrowbandModel"
    with connect(url, additional_headers=service.headers) as socket:
        socket.send(json.dumps({"action": "start", "content-type": "audio/flac"}))
        assert json.loads(socket.recv(60)) == {"state": "listening"}
        yield socket


def _until_struck(service: RunningService, killed: str, act: Callable[[], T]) -> T:
    """Do something again and again until what read for it was killed; return what it gave then."""
    for _ in range(_MOST_TRIES):  # a child lives for some milliseconds, and may be gone before it is seen
        with _striking(service, killed) as struck:
            given = act()
        if struck.is_set():
            return given
    pytest.fail("no child was ever seen")


@contextlib.contextmanager
def _striking(service: RunningService, killed: str) -> Iterator[threading.Event]:
    """Kill the first child that is seen reading a recording, alone or with what forked it; tell when it was."""
    struck, over = threading.Event(), threading.Event()

    def strike() -> None:
        while not over.is_set():
            readers = list(_readers(service))
            for reader in readers * 1000:  # to look for them takes longer than a child has to live
                if over.is_set():
                    return
                if children := _children(reader):
                    for process_id in ([reader] if killed == "both" else []) + children:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(process_id, signal.SIGKILL)
                    struck.set()
                    return

    striking = threading.Thread(target=strike)
    striking.start()
    try:
        yield struck
    finally:
        over.set()
        striking.join()


def _readers(service: RunningService) -> Iterator[int]:
    """Yield the processes that fork a child for each recording."""
    for process_id in child.marked(str(service.home.resolve())):
        with contextlib.suppress(OSError, IndexError):  # it has ended meanwhile
            if part_of(process_id).count(READER) == 1:
                yield process_id


def _children(process_id: int) -> list[int]:
    with contextlib.suppress(OSError):  # it has ended
        return list(map(int, Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()))
    return []
