"""The pool of decoding processes: order, failures, deaths."""

from __future__ import annotations

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.errors import CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import BASE_ALONE, CustomModels, DecodingOptions
from chalicelib.recognition.decoding.decoder_worker import DecodingBatch, Task
from chalicelib.recognition.decoding.decoders import DecoderPool, DecodingFailed, OwnersShare
from chalicelib.recognition.decoding.decoding_processes import BACKGROUND_COMMAND
from chalicelib.sharing.recent import HEAVY_S
from tests.audio.signals import voice
from tests.recognition.decoding.scripted_worker import DIE, DIE_ONCE, MEET, RAISE, SAY, SLEEP, WHO

COMMAND = (sys.executable, "-m", "tests.recognition.decoding.scripted_worker")


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2, command=COMMAND) as pool:
        yield pool


@pytest.fixture
def alone() -> Iterator[DecoderPool]:
    """A pool of one process: there is no other that could take the next task."""
    with DecoderPool(1, command=COMMAND) as pool:
        yield pool


def task(
    deed: int,
    argument: float = 0.0,
    *,
    base_version: str = "good",
    folder: Path | None = None,
    max_alternatives: int = 1,
) -> Task:
    return Task(
        base_version,
        CustomModels(folder),
        np.array([deed, argument], np.float32),
        DecodingOptions(max_alternatives),
    )


def texts(pool: DecoderPool | OwnersShare, tasks: Iterable[Task]) -> list[str]:
    return [decoded.hypotheses[0].text for decoded in pool.decode(tasks)]


def test_answers_come_in_the_order_of_the_tasks(pool: DecoderPool) -> None:
    tasks = [task(SLEEP, 0.3), *(task(SAY, number) for number in range(20))]
    assert texts(pool, tasks) == ["done", *(str(number) for number in range(20))]


def test_alternatives_are_passed_on(pool: DecoderPool) -> None:
    assert [len(decoded.hypotheses) for decoded in pool.decode([task(SAY, max_alternatives=3)])] == [3]


def test_no_task_starts_no_process(pool: DecoderPool) -> None:
    assert texts(pool, []) == []
    assert pool.process_ids == ()


def _both(pool: DecoderPool, folder: Path) -> set[int]:
    """Have both processes do something at once, and return them."""
    folder.mkdir()
    assert texts(pool, [task(MEET, folder=folder)] * 2) == ["done", "done"]
    return set(pool.process_ids)


def test_processes_last(pool: DecoderPool, tmp_path: Path) -> None:
    before = _both(pool, tmp_path / "first")
    assert len(before) == 2
    assert _both(pool, tmp_path / "second") == before


def test_what_is_in_the_background_takes_what_others_leave() -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with DecoderPool(1, command=BACKGROUND_COMMAND) as pool:
        with pytest.raises(DecodingFailed):
            texts(pool, [task(SAY, base_version="no such version")])
        (process,) = pool.process_ids
        assert os.getpriority(os.PRIO_PROCESS, process) == min(own + 5, 19)


def test_tasks_are_taken_only_a_few_ahead(pool: DecoderPool) -> None:
    taken: list[int] = []

    def tasks() -> Iterator[Task]:
        for number in range(100):
            taken.append(number)
            yield task(SAY, number)

    answers = pool.decode(tasks())
    next(answers)
    assert len(taken) <= 12
    assert len(list(answers)) == 99


def test_a_process_that_dies_once_costs_nothing(pool: DecoderPool, tmp_path: Path) -> None:
    assert texts(pool, [task(SAY, 1), task(DIE_ONCE, folder=tmp_path), task(SAY, 2)]) == ["1", "done", "2"]


@pytest.mark.parametrize("busy_s", [0.0, 2.0])
def test_a_process_killed_from_outside_is_replaced(alone: DecoderPool, busy_s: float) -> None:
    pool = alone
    texts(pool, [task(SAY, 1)])
    (before,) = pool.process_ids
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(texts, pool, [task(SLEEP, busy_s)] if busy_s else [])
        time.sleep(busy_s / 4)
        os.kill(before, signal.SIGKILL)
        assert running.result() == (["done"] if busy_s else [])
    assert texts(pool, [task(SAY, 2)]) == ["2"]
    assert before not in pool.process_ids


def test_a_process_that_nobody_needs_ends_and_another_comes_when_needed() -> None:
    with DecoderPool(1, command=COMMAND, idle_s=0.2) as pool:
        (first,) = texts(pool, [task(WHO)])
        until = time.monotonic() + 60
        while pool.process_ids:
            assert time.monotonic() < until, "the process does not end"
            time.sleep(0.01)
        (second,) = texts(pool, [task(WHO)])
        assert first != second


def test_a_process_at_work_is_not_idle_however_long_it_takes() -> None:
    with DecoderPool(1, command=COMMAND, idle_s=0.2) as pool, ThreadPoolExecutor(1) as threads:
        texts(pool, [task(SAY)])
        running = threads.submit(texts, pool, [task(SLEEP, 1.5)])
        seen = set()
        until = time.monotonic() + 60
        while not running.done():
            assert time.monotonic() < until
            seen |= set(pool.process_ids)
            time.sleep(0.01)
        assert running.result() == ["done"]
        assert set(pool.process_ids) <= seen
        assert len(seen) <= 2, "it was ended in the middle, and its utterance tried again"


def test_a_process_that_cannot_be_started_fails_what_waits_for_it(tmp_path: Path) -> None:
    with DecoderPool(1, command=[str(tmp_path / "no such program")]) as pool:
        with pytest.raises(DecodingFailed, match="could be started"):
            texts(pool, [task(SAY, 1)])
        utterance = pool.speak("good", BASE_ALONE, None)
        with pytest.raises(DecodingFailed, match="could be started"):
            utterance.conclude(DecodingOptions()).result(60)
        assert pool.waiting == 0
        assert pool.process_ids == ()


def test_a_flaw_of_who_hears_the_readings_fails_the_utterance() -> None:
    def flaw(reading: object) -> None:
        raise KeyError("a flaw")

    with DecoderPool(1) as pool:
        version = BASE_MODELS["en-US_NarrowbandModel"].newest_version
        utterance = pool.speak(version, BASE_ALONE, flaw)
        utterance.feed(voice(3.0, 8000).astype(np.float32))
        _eventually(lambda: "failed" if not pool._spoken else "")
        with pytest.raises(KeyError):
            utterance.conclude(DecodingOptions()).result(60)


def test_an_utterance_that_kills_twice_fails_and_the_pool_goes_on(pool: DecoderPool) -> None:
    with pytest.raises(DecodingFailed, match="died twice"):
        texts(pool, [task(SAY, 1), task(DIE), task(SAY, 2)])
    assert texts(pool, [task(SAY, 3)]) == ["3"]


def test_a_stuck_process_is_ended() -> None:
    with DecoderPool(1, command=COMMAND, limit_s=1.0) as pool:
        begun = time.monotonic()
        with pytest.raises(DecodingFailed, match="died twice"):
            texts(pool, [task(SLEEP, 600.0)])
        assert time.monotonic() - begun < 120
        assert pool.process_ids == ()


def test_a_flaw_in_the_engine_fails_the_utterance_alone(pool: DecoderPool, tmp_path: Path) -> None:
    before = _both(pool, tmp_path / "first")
    with pytest.raises(DecodingFailed, match="a flaw in the engine"):
        texts(pool, [task(RAISE)])
    assert texts(pool, [task(SAY, 1)]) == ["1"]
    assert set(pool.process_ids) == before


def test_a_damaged_model_is_told_apart(pool: DecoderPool) -> None:
    with pytest.raises(ModelUnreadable, match="the archive is damaged"):
        texts(pool, [task(SAY, base_version="damaged")])


def test_a_customization_that_the_engine_cannot_use_is_told_apart(pool: DecoderPool, tmp_path: Path) -> None:
    asked = dataclasses.replace(task(SAY), custom=CustomModels(language_model=tmp_path))
    with pytest.raises(CustomizationUnsupported, match="it takes no custom language models"):
        texts(pool, [asked])
    assert texts(pool, [task(SAY, 1)]) == ["1"]


def test_a_closed_pool_leaves_no_process_and_takes_no_task() -> None:
    pool = DecoderPool(1, command=COMMAND)
    texts(pool, [task(SAY, 1)])
    (process_id,) = pool.process_ids
    pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)
    with pytest.raises(RuntimeError):
        texts(pool, [task(SAY, 1)])


def test_processes_end_with_a_killed_parent(tmp_path: Path) -> None:
    said = tmp_path / "process_id"
    code = f"""
import sys, pathlib
from chalicelib.recognition.decoding.decoders import DecoderPool
from tests.recognition.decoding.test_decoders import COMMAND, task, texts
from tests.recognition.decoding.scripted_worker import SAY, SLEEP
pool = DecoderPool(1, command=COMMAND)
texts(pool, [task(SAY, 1)])
pathlib.Path({str(said)!r}).write_text(str(pool.process_ids[0]))
texts(pool, [task(SLEEP, 60)])
"""
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True) as parent:
        process_id = int(_eventually(lambda: said.read_text() if said.exists() else ""))
        parent.kill()
    assert _eventually(lambda: "gone" if not _runs(process_id) else "") == "gone"


def _runs(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _eventually(look: Callable[[], str]) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def test_a_model_is_loaded_before_it_is_needed_and_once(
    alone: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = alone
    enqueue = pool._enqueue
    begun: list[Future[Any]] = []

    def noted(owner: str, work: Callable[[], Any]) -> Future[Any]:
        begun.append(enqueue(owner, work))
        return begun[-1]

    monkeypatch.setattr(pool, "_enqueue", noted)
    pool.warm("good", CustomModels())
    for loading in begun:
        loading.result(60)
    processes = pool.process_ids
    assert len(processes) == len(begun) > 0
    pool.warm("good", CustomModels())
    assert len(begun) == len(processes)
    assert texts(pool, [task(SAY, 7)]) == ["7"]
    assert pool.process_ids == processes


@pytest.fixture
def sharing() -> Iterator[DecoderPool]:
    """A pool whose threads decode in one process."""
    with DecoderPool(2, command=COMMAND, shared=lambda _: True) as pool:
        yield pool


def test_threads_share_a_process_and_its_models(sharing: DecoderPool, tmp_path: Path) -> None:
    assert texts(sharing, [task(MEET, folder=tmp_path)] * 2) == ["done", "done"]
    assert len({*tmp_path.iterdir()}) == 2  # two threads met in it
    (process,) = sharing.process_ids
    assert set(texts(sharing, [task(WHO)] * 4)) == {f"{process % 100_000:g}"}
    assert texts(sharing, [task(SAY, number) for number in range(20)]) == list(map(str, range(20)))
    assert sharing.process_ids == (process,)


def test_one_that_kills_the_shared_process_takes_no_other_along(sharing: DecoderPool, tmp_path: Path) -> None:
    def deadly() -> list[str]:
        return texts(sharing, [task(DIE)])

    with ThreadPoolExecutor(2) as threads:
        innocent = threads.submit(texts, sharing, [task(SLEEP, 0.5), task(SAY, 1)])
        killer = threads.submit(deadly)
        assert innocent.result() == ["done", "1"]
        with pytest.raises(DecodingFailed, match="died twice"):
            killer.result()
    assert texts(sharing, [task(SAY, 2)]) == ["2"]
    assert len(sharing.process_ids) == 1


def test_a_shared_process_that_is_killed_is_replaced(sharing: DecoderPool) -> None:
    texts(sharing, [task(SAY, 1)])
    (before,) = sharing.process_ids
    os.kill(before, signal.SIGKILL)
    assert texts(sharing, [task(SAY, 2), task(SAY, 3)]) == ["2", "3"]
    assert before not in sharing.process_ids


def test_a_flaw_costs_the_shared_process_nothing(sharing: DecoderPool) -> None:
    texts(sharing, [task(SAY, 1)])
    before = sharing.process_ids
    with pytest.raises(DecodingFailed, match="a flaw in the engine"):
        texts(sharing, [task(RAISE)])
    assert texts(sharing, [task(SAY, 2)]) == ["2"]
    assert sharing.process_ids == before


def test_closing_ends_the_shared_process() -> None:
    pool = DecoderPool(2, command=COMMAND, shared=lambda _: True)
    texts(pool, [task(SAY, 1)])
    (process,) = pool.process_ids
    pool.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_tasks_are_decoded_together_where_threads_share_a_model(
    sharing: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    decode = sharing._decode

    def noted(owner: str, batch: DecodingBatch) -> Any:
        batches.append(len(batch.utterances))
        return decode(owner, batch)

    monkeypatch.setattr(sharing, "_decode", noted)
    tasks = [task(SAY, number, max_alternatives=1 + (number == 50)) for number in range(60)]
    assert texts(sharing, tasks) == [str(number) for number in range(60)]
    assert batches[:6] == [1, 1, 2, 2, 3, 3]
    assert max(batches) <= 8
    assert sum(batches) == 60


def test_processes_of_their_own_get_one_task_at_a_time(
    pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = pool._decode

    def noted(owner: str, batch: DecodingBatch) -> Any:
        assert len(batch.utterances) == 1
        return decode(owner, batch)

    monkeypatch.setattr(pool, "_decode", noted)
    assert texts(pool, [task(SAY, number) for number in range(10)]) == [str(number) for number in range(10)]


def test_a_shared_process_that_nobody_needs_ends_and_comes_back() -> None:
    with DecoderPool(2, command=COMMAND, shared=lambda _: True, idle_s=0.2) as pool:
        assert texts(pool, [task(SAY, 1), task(SAY, 2)]) == ["1", "2"]
        _eventually(lambda: "" if pool.process_ids else "ended")
        assert texts(pool, [task(SAY, 3)]) == ["3"]


def test_owners_take_turns(alone: DecoderPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    order: list[str] = []
    decode = alone._decode

    def noted(owner: str, batch: DecodingBatch) -> tuple[Any, ...]:
        order.append(owner)
        return decode(owner, batch)

    monkeypatch.setattr(alone, "_decode", noted)

    def wait_for(calls: int) -> None:
        _eventually(lambda: "there" if alone._threads.outstanding == calls else "")

    with ThreadPoolExecutor(8) as threads:
        threads.submit(texts, alone.of("greedy"), [task(MEET, folder=tmp_path)])
        _eventually(lambda: "at work" if any(tmp_path.iterdir()) else "")
        greedy = [threads.submit(texts, alone.of("greedy"), [task(SAY)] * 6) for _ in range(6)]
        wait_for(1 + 36)
        modest = threads.submit(texts, alone.of("modest"), [task(SAY)] * 4)
        wait_for(1 + 36 + 4)
        (tmp_path / "now").touch()
        for one in (*greedy, modest):
            one.result()
    last = len(order) - order[::-1].index("modest")
    assert order[:last].count("greedy") <= 1 + 4
    assert order.count("greedy") == 1 + 36


def test_who_has_had_much_is_decoded_in_the_background_while_others_are_there() -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    with DecoderPool(1, command=COMMAND) as pool:
        (first,) = texts(pool.of("greedy"), [task(WHO)])
        pool._recent.add("greedy", 2 * HEAVY_S)
        assert texts(pool.of("greedy"), [task(WHO)]) == [first]  # he is alone
        (other,) = texts(pool.of("modest"), [task(WHO)])
        (second,) = texts(pool.of("greedy"), [task(WHO)])
        priorities = {
            str(process % 100_000): os.getpriority(os.PRIO_PROCESS, process) - own
            for process in pool.process_ids
        }
    assert priorities == {first: 0, second: min(own + 5, 19) - own}
    assert other == first


def test_what_decodes_has_no_secrets_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "ATTUNE_INTERNAL_SECRET", "ATTUNE_API_KEY")
    for name in secrets:
        monkeypatch.setenv(name, "not-for-decoders")
    with DecoderPool(1, command=COMMAND) as pool:
        assert texts(pool, [task(SAY, 1)]) == ["1"]
        (process,) = pool.process_ids
        variables = Path(f"/proc/{process}/environ").read_bytes()
        network = Path(f"/proc/{process}/ns/net").readlink()
        limits = Path(f"/proc/{process}/limits").read_text()
    assert b"PATH=" in variables
    assert b"not-for-decoders" not in variables
    assert re.search(r"Max core file size +0 +0 ", limits)
    if (
        subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True, check=False).returncode
        == 0
    ):
        assert network != Path("/proc/self/ns/net").readlink()
