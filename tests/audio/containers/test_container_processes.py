from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chalicelib.audio.containers.container_processes import ContainerProcesses, ReadingInterrupted
from chalicelib.audio.containers.streamed_container import Container
from chalicelib.audio.errors import Undecodable
from infra.local.processes import child
from tests.audio.containers import scripted_container as scripted
from tests.audio.signals import encoded, voice

COMMAND = (sys.executable, "-m", "tests.audio.containers.scripted_container")
FLAC = encoded(voice(1.5, 16000), 16000, "FLAC")


@pytest.fixture(scope="module")
def processes() -> Iterator[ContainerProcesses]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("ATTUNE_INTERNAL_KEY", "secret")
        patch.setenv("SOMEBODYS_TOKEN", "secret")
        started = ContainerProcesses(COMMAND)
        yield started
        started.close()


def did(deed: bytes, processes: ContainerProcesses) -> str:
    """Have a child do a deed; returns what it tells."""
    container = Container("audio/flac", live=False, processes=processes)
    try:
        samples = [*container.feed(deed), *container.finish()]
        assert container.format is not None
        assert [block.tolist() for block in samples] == [[[1.0]]]
        return container.format.codec
    finally:
        container.close()


def test_a_child_can_open_nothing(processes: ContainerProcesses) -> None:
    assert did(scripted.TRY, processes) == ""
    assert all(map(scripted._succeeds, list(scripted.ATTEMPTS)[:3])), "others can"


def test_a_child_knows_no_variable_but_these(processes: ContainerProcesses) -> None:
    known = set(did(scripted.ENVIRONMENT, processes).split(","))
    assert known <= {
        *("PYTHONPATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LD_LIBRARY_PATH", "PYTHONHOME"),
        *("PYTHONDONTWRITEBYTECODE", "LANG", "LC_ALL", "LC_CTYPE", "ATTUNE_SERVICE_MARK"),
    }


def test_whoever_ends_a_service_finds_what_reads_its_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(child.MARK, "/of/a/service")
    processes = ContainerProcesses()
    container = Container("audio/flac", live=False, processes=processes)
    try:
        list(container.feed(FLAC[: len(FLAC) // 2]))
        pid = processes.process_id
        reading = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        assert set(child.marked("/of/a/service")) == {pid, *map(int, reading)}
        assert len(reading) == 1
    finally:
        container.close()
        processes.close()


@pytest.mark.parametrize(
    "deed",
    [
        scripted.MEMORY,
        scripted.PROCESSOR,
        scripted.STUCK,
        scripted.CRASH,
        scripted.HALF_A_SAMPLE,
        scripted.TOO_MUCH,
    ],
    ids=["memory", "processor", "stuck", "crash", "half a sample", "too much"],
)
def test_what_a_recording_does_to_its_child_is_its_own_error(
    deed: bytes, processes: ContainerProcesses
) -> None:
    with pytest.raises(Undecodable, match="more memory or time than any recording needs"):
        did(deed, processes)
    assert did(scripted.TRY, processes) == "", "others are read"


def test_a_child_that_others_ended_says_nothing_about_its_recording(processes: ContainerProcesses) -> None:
    with pytest.raises(ReadingInterrupted):
        did(scripted.KILLED, processes)


def test_a_process_that_was_ended_is_started_anew() -> None:
    processes = ContainerProcesses()
    try:
        for _ in range(2):
            container = Container("audio/flac", live=False, processes=processes)
            read = np.concatenate([*container.feed(FLAC), *container.finish()])
            container.close()
            assert len(read) == 24_000
            assert processes.process_id is not None
            os.kill(processes.process_id, signal.SIGKILL)
    finally:
        processes.close()


def test_the_process_is_ended_in_the_midst_of_a_recording() -> None:
    processes = ContainerProcesses(COMMAND)
    container = Container("audio/flac", live=False, processes=processes)
    try:
        list(container.feed(b""))
        container._started()
        assert processes.process_id is not None
        children = Path(f"/proc/{processes.process_id}/task/{processes.process_id}/children")
        (child,) = map(int, children.read_text().split())
        os.kill(processes.process_id, signal.SIGKILL)
        os.kill(child, signal.SIGKILL)
        with pytest.raises(ReadingInterrupted):
            list(container.finish())
    finally:
        container.close()
        processes.close()


@pytest.mark.parametrize("live", [True, False])
def test_an_abandoned_recording_leaves_no_child(live: bool) -> None:
    processes = ContainerProcesses()
    container = Container("audio/flac", live=live, processes=processes)
    try:
        list(container.feed(FLAC[: len(FLAC) // 2]))
        pid = processes.process_id
        children = Path(f"/proc/{pid}/task/{pid}/children")
        assert len(children.read_text().split()) == 1
        container.close()
        until_s = time.monotonic() + 20
        while children.read_text().strip() and time.monotonic() < until_s:
            time.sleep(0.01)
        assert children.read_text().strip() == ""
    finally:
        processes.close()


def test_children_that_end_at_once_do_not_end_the_process() -> None:
    program = (
        "import os, signal\n"
        "from chalicelib.audio.containers import container_process\n"
        "told, ending = os.pipe()\n"
        "endings, waiting = {}, os.waitpid\n"
        "def interrupted(*arguments):\n"  # the signal of the child comes while it is being looked for
        "    os.waitpid = waiting\n"
        "    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)\n"
        "    container_process._tell(endings)\n"
        "    return waiting(*arguments)\n"
        "os.waitpid = interrupted\n"
        "child = os.fork()\n"
        "if child == 0: os._exit(7)\n"
        "endings[child] = ending\n"
        "container_process._tell(endings)\n"
        "print(container_process.STATUS.unpack(os.read(told, 99))[0], endings)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("7 {}\n", "")


def test_the_process_ends_with_whoever_needs_it() -> None:
    program = (
        "import os\n"
        "from chalicelib.audio.containers.container_processes import ContainerProcesses\n"
        "processes = ContainerProcesses()\n"
        "processes.child()\n"
        "print(processes.process_id, flush=True)\n"
        "os._exit(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    process = Path(f"/proc/{done.stdout.strip()}")
    until_s = time.monotonic() + 20
    while process.exists() and (process / "stat").read_text().split()[2] != "Z":
        assert time.monotonic() < until_s, "it outlives its parent"
        time.sleep(0.01)


def test_whoever_answers_requests_never_loads_ffmpeg() -> None:
    program = (
        "import sys\n"
        "import chalicelib.recognition.function.handler, chalicelib.audio.inspection, chalicelib.evaluation.recordings.unpacking\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "chalicelib.audio.containers.streamed_container" in loaded
    assert "av" not in loaded
