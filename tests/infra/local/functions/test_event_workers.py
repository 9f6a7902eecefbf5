"""Workers come with their first event and go when none comes; whatever kills them, no event is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.functions.event_workers import STORE_RESTARTED
from infra.local.processes import child
from tests.local.running import ACCESS_KEY, RunningStore, running_store


class _Workers:
    """The process under test, and the queues that it looks at."""

    def __init__(
        self, store: RunningStore, folder: Path, idle_s: float, *, crash: bool = False, after: bool = False
    ) -> None:
        self.folder = folder
        if crash:
            (folder / "crash").touch()
        self.client = store.client("sqs")
        self.urls = {
            name: self.client.create_queue(QueueName=name)["QueueUrl"] for name in ("written", "others")
        }
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": store.url,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": "unused",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        self.process = child.start(
            "tests.infra.local.functions.workers_of_tests",
            [str(folder), str(idle_s), *(["after"] if after else [])],
            folder / "log",
            environment,
        )

    def send(self, body: str, queue: str = "written") -> None:
        self.client.send_message(QueueUrl=self.urls[queue], MessageBody=body)

    def left(self, queue: str = "written") -> int:
        names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.client.get_queue_attributes(QueueUrl=self.urls[queue], AttributeNames=names)
        return sum(int(count) for count in answer["Attributes"].values())

    def lines(self, name: str) -> list[str]:
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else []

    def bodies(self, name: str) -> list[str]:
        return [line.split()[0] for line in self.lines(name)]

    @property
    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(one) for task in tasks for one in task.read_text().split()]

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(tmp_path_factory.mktemp("store")) as running:
        yield running


@pytest.fixture
def begun(store: RunningStore, tmp_path: Path) -> Iterator[Callable[..., _Workers]]:
    """Start workers, which are ended with the test."""
    started: list[_Workers] = []

    def begin(idle_s: float = 600.0, **more: bool) -> _Workers:
        started.append(_Workers(store, tmp_path, idle_s, **more))
        return started[-1]

    yield begin
    for workers in started:
        workers.process.kill()
        workers.process.wait()
        workers.client.purge_queue(QueueUrl=workers.urls["written"])


def _wait(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < until, f"waited in vain for {what}"
        time.sleep(0.01)


def _worker(workers: _Workers) -> int:
    _wait(lambda: len(workers.children) == 1, "one worker")
    return workers.children[0]


def test_a_worker_comes_with_an_event_goes_when_idle_and_comes_back(begun: Callable[..., _Workers]) -> None:
    workers = begun(idle_s=1.0)
    _wait(
        lambda: (workers.folder / "called").exists() and not workers.children, "the clock's call to be over"
    )
    for count in (1, 2):
        workers.send("slow")
        _wait(lambda: len(workers.lines("begun")) == count, "the worker")  # noqa: B023  it is called here and now
        name = Path(f"/proc/{_worker(workers)}/comm").read_text().strip()
        assert name == "writing"
        (workers.folder / "go on").touch()
        _wait(lambda: len(workers.lines("done")) == count, "its end")  # noqa: B023
        _wait(lambda: not workers.children, "the worker to end")
        (workers.folder / "go on").unlink()
    (_, first), (_, second) = (line.split() for line in workers.lines("done"))
    assert first != second
    assert workers.left() == 0
    assert "ended with status" not in workers.log


def test_one_worker_takes_all_events_of_its_queue_and_nobody_elses(begun: Callable[..., _Workers]) -> None:
    workers = begun()
    for number in range(5):
        workers.send(f"w{number}")
    workers.send("o", "others")
    _wait(lambda: len(workers.lines("done")) == 6, "six events")
    processes = {line.split()[1] for line in workers.lines("done") if line.startswith("w")}
    others = {line.split()[1] for line in workers.lines("done") if line.startswith("o")}
    assert len(processes) == len(others) == 1
    assert processes != others
    assert len(workers.children) == 2


def test_what_a_killed_worker_was_at_is_done_by_the_next(
    begun: Callable[..., _Workers],
) -> None:
    workers = begun()
    workers.send("slow")
    _wait(lambda: workers.bodies("begun") == ["slow"], "the event to be worked on")
    os.kill(_worker(workers), signal.SIGKILL)
    workers.send("next")
    _wait(lambda: workers.bodies("done") == ["next"], "the next event, by another worker")
    assert (
        f"the part 'writing' ended with status -9 and is started again; see {workers.folder}" in workers.log
    )
    _wait(lambda: workers.left() == 1, "what the killed one was at to be all that is left")
    (workers.folder / "go on").touch()
    _wait(lambda: workers.bodies("done") == ["next", "slow"], "what the killed one was at")
    _wait(lambda: workers.left() == 0, "the queue to be empty")


def test_workers_do_not_outlive_what_forked_them(begun: Callable[..., _Workers]) -> None:
    workers = begun()
    workers.send("slow")
    _wait(lambda: workers.bodies("begun") == ["slow"], "the event to be worked on")
    worker = _worker(workers)
    workers.process.kill()
    workers.process.wait()
    _wait(lambda: not _runs(worker), "the worker to end")


def _runs(process_id: int) -> bool:
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_sigterm_lets_a_worker_finish(begun: Callable[..., _Workers]) -> None:
    workers = begun()
    workers.send("slow")
    workers.send("o", "others")
    _wait(lambda: "o" in workers.bodies("done") and "slow" in workers.bodies("begun"), "both workers")
    workers.process.terminate()
    _wait(lambda: len(workers.children) == 1, "the idle worker to end")
    (workers.folder / "go on").touch()
    assert workers.process.wait(60) == 0
    assert workers.bodies("done") == ["o", "slow"]
    _wait(lambda: workers.left() == 0, "the queue to be empty")


def test_no_queue_is_looked_at_before_the_clocks_first_call_has_succeeded(
    begun: Callable[..., _Workers],
) -> None:
    workers = begun(crash=True)
    workers.send("early")
    _wait(lambda: workers.bodies("done") == ["early"], "the event")
    # It crashed once, and was told again that the service has just started.
    assert workers.lines("ticks") == ["restarted", "restarted"]
    done = (workers.folder / "done").stat().st_mtime
    assert (workers.folder / "ticks").stat().st_mtime <= done


def test_when_the_store_was_restarted_the_clocks_functions_are_called_at_once(
    begun: Callable[..., _Workers],
) -> None:
    workers = begun()
    _wait((workers.folder / "called").exists, "the clock's first call")
    workers.process.send_signal(STORE_RESTARTED)
    _wait(lambda: workers.lines("ticks") == ["restarted", "messages_lost"], "another call")


def test_who_comes_after_others_may_have_missed_that_the_store_was_restarted(
    begun: Callable[..., _Workers],
) -> None:
    workers = begun(after=True)
    _wait(lambda: workers.lines("ticks") == ["messages_lost"], "the clock's first call")


def test_while_the_store_is_away_they_wait_for_it(tmp_path: Path) -> None:
    with running_store(tmp_path / "store") as store:
        workers = _Workers(store, tmp_path, 600.0)
        try:
            _wait((tmp_path / "called").exists, "the clock's first call")
            store.restart()
            url = store.client("sqs").create_queue(QueueName="written")["QueueUrl"]
            workers.urls["written"] = url
            workers.send("after")
            _wait(lambda: workers.bodies("done") == ["after"], "the event")
            assert workers.process.poll() is None
        finally:
            workers.process.kill()
            workers.process.wait()
