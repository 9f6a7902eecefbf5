"""The pool of decoding processes: order, failures, deaths."""

from __future__ import annotations

import dataclasses
import os
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
from chalicelib.recognition.decoder_worker import RecognizerCache, Task
from chalicelib.recognition.decoders import BACKGROUND_COMMAND, DecoderPool, DecodingFailed
from tests.audio.signals import voice
from tests.recognition.scripted_worker import DIE, DIE_ONCE, MEET, RAISE, SAY, SLEEP, ScriptedRecognizer

COMMAND = (sys.executable, "-m", "tests.recognition.scripted_worker")


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


def texts(pool: DecoderPool, tasks: Iterable[Task]) -> list[str]:
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
from chalicelib.recognition.decoders import BACKGROUND_COMMAND, DecoderPool
from tests.recognition.test_decoders import COMMAND, task, texts
from tests.recognition.scripted_worker import SAY, SLEEP
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


def test_the_recognisers_used_last_are_kept() -> None:
    loaded: list[str] = []

    def load(base_version: str, custom: CustomModels) -> ScriptedRecognizer:
        loaded.append(base_version)
        return ScriptedRecognizer(custom)

    cache = RecognizerCache(load, kept=2)
    for version in ("a", "b", "a", "c", "a", "b"):
        cache.get(version, BASE_ALONE)
    assert loaded == ["a", "b", "c", "b"]
    assert cache.get("b", BASE_ALONE) is cache.get("b", BASE_ALONE)
    assert cache.get("b", CustomModels(Path("adapted"))) is not cache.get("b", BASE_ALONE)


def test_a_model_is_loaded_before_it_is_needed_and_once(
    alone: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = alone
    enqueue = pool._enqueue
    begun: list[Future[Any]] = []

    def noted(work: Callable[[], Any]) -> Future[Any]:
        begun.append(enqueue(work))
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
