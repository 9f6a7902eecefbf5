"""Whose turn it is to train: fair, within the budget, none lost and none twice, whoever races with whom."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib.customization import acoustic_models, errors, runs, statuses, training_ends, turns
from chalicelib.customization.acoustic import acoustic_training, audio_resources
from chalicelib.customization.acoustic.audio_resources import AudioAnalysis
from chalicelib.customization.custom_models import now
from chalicelib.customization.turns import Run, TrainingBudget
from chalicelib.storage.conditional import ConditionFailed, write
from chalicelib.storage.tables import AcousticModel, TrainingTurn

OWNERS = [str(uuid.UUID(int=number, version=4)) for number in range(3)]


@pytest.fixture(autouse=True)
def _empty_line(account: None) -> Iterator[None]:
    """The account is the module's; each test begins with nobody in the line and nobody at work."""
    for row in TrainingTurn.scan():
        row.delete()
    yield


def claimed(owner: str = OWNERS[0]) -> AcousticModel:
    """Return a model whose training was claimed."""
    model = acoustic_models.create(owner, name="m", base_model_name="en-US_BroadbandModel")
    accepted = audio_resources.accept(model, "a", kind="audio", content_type="audio/wav", size_bytes=1)
    audio = accepted.row
    good = AudioAnalysis(valid=True, details_type="audio", duration_s=700.0)
    audio_resources.analysis_finished(
        audio.owner, audio.customization_id, audio.audio_id, audio.upload_id, good
    )
    return acoustic_training.begin_training(owner, model.customization_id).model


def fresh(model: AcousticModel) -> AcousticModel:
    return acoustic_models.get(model.owner, model.customization_id)


def begun(budget: TrainingBudget) -> list[str]:
    return [model.customization_id for model in turns.serve(budget)]


def ended(model: AcousticModel) -> bool:
    return runs.failed(AcousticModel, model.owner, model.customization_id, int(model.run), "no reason")


def at_work() -> set[str]:
    return {run.customization_id for run in turns._at_work(turns._ledger())}


def waiting() -> list[str | None]:
    return [row.customization_id for row in turns._waiting()]


# Who comes next.


def run(owner: str, number: int = 1) -> Run:
    return Run(owner, f"{owner}{number}", 1)


def test_owners_take_turns() -> None:
    line = [run("a", 1), run("a", 2), run("a", 3), run("b", 1), run("c", 1), run("b", 2)]
    in_order = [one.customization_id for one in turns.order(line, [], [])]
    assert in_order == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_whoever_had_a_turn_lately_comes_last() -> None:
    line = [run("a", 1), run("a", 2), run("b", 1)]
    assert [one.customization_id for one in turns.order(line, [], ["b", "a"])] == ["b1", "a1", "a2"]


def test_whoever_has_fewer_at_work_comes_first() -> None:
    line, busy = [run("a", 3), run("b", 2)], [run("a", 1), run("a", 2), run("b", 1)]
    assert [one.customization_id for one in turns.order(line, busy, ["a", "b"])] == ["b2", "a3"]


RUNS = st.lists(st.sampled_from("abcd"), max_size=12).map(
    lambda owners: [run(owner, number) for number, owner in enumerate(owners)]
)


@given(RUNS, RUNS, st.lists(st.sampled_from("abcde"), unique=True))
def test_the_order_forgets_nobody_and_keeps_each_owners_own(
    line: list[Run], busy: list[Run], served: list[str]
) -> None:
    in_order = turns.order(line, busy, served)
    assert sorted(in_order, key=line.index) == line
    for owner in "abcd":
        assert [one for one in in_order if one.owner == owner] == [one for one in line if one.owner == owner]
    # Whoever waits sees each other owner begin at most as often as evens the balance, and once more.
    count = Counter(one.owner for one in busy)
    for ahead, one in enumerate(in_order):
        for other in set("abcd") - {one.owner}:
            before = sum(earlier.owner == other for earlier in in_order[:ahead])
            own = sum(earlier.owner == one.owner for earlier in in_order[:ahead])
            assert before <= max(0, count[one.owner] + own + 1 - count[other])


@given(RUNS, RUNS, st.integers(0, 6), st.integers(0, 4))
def test_the_budget_is_kept_and_used(line: list[Run], busy: list[Run], in_all: int, of_owner: int) -> None:
    count = Counter(one.owner for one in busy)
    may = [one for one in line if not of_owner or count[one.owner] < of_owner]
    full = bool(in_all) and len(busy) >= in_all
    chosen = turns.next_turn(line, busy, [], TrainingBudget(in_all, of_owner))
    assert (chosen is None) == (full or not may)
    assert chosen is None or chosen in may


# What the rows say.


def test_the_end_of_one_lets_the_next_begin() -> None:
    first, second = claimed(), claimed()
    budget = TrainingBudget(1, 0)
    assert turns.join(first) and turns.join(second)
    assert begun(budget) == [first.customization_id]
    assert begun(budget) == []
    assert (fresh(second).stage, bool(fresh(second).turn)) == (turns.WAITING, False)
    place = turns.places([fresh(second)], budget)[second.customization_id]
    assert (place.ahead, place.owners_limit) == (0, False)
    assert ended(first)
    assert begun(budget) == [second.customization_id]
    assert fresh(second).stage is None
    assert not turns.anyone_waits()
    assert turns.places([fresh(second)], budget) == {}


def test_an_owners_own_limit_holds_up_nobody_else() -> None:
    mine, mine_too, others = claimed(), claimed(), claimed(OWNERS[1])
    budget = TrainingBudget(5, 1)
    for model in (mine, mine_too, others):
        assert turns.join(model)
    assert begun(budget) == [mine.customization_id, others.customization_id]
    assert turns.places([fresh(mine_too)], budget)[mine_too.customization_id].owners_limit
    assert ended(others)
    assert begun(budget) == []
    assert ended(mine)
    assert begun(budget) == [mine_too.customization_id]


def test_joining_may_be_repeated() -> None:
    model = claimed()
    assert turns.join(model) and turns.join(model)
    assert waiting() == [model.customization_id]
    assert begun(TrainingBudget(0, 0)) == [model.customization_id]
    assert not turns.join(model), "it is at work"
    assert ended(fresh(model))
    assert not turns.join(model), "it is over"
    assert (waiting(), at_work()) == ([], set())


@pytest.mark.parametrize("joined", [True, False])
def test_one_that_is_cancelled_while_it_waits_leaves_no_trace(joined: bool) -> None:
    model = claimed()
    assert not joined or turns.join(model)
    assert runs.cancelled(AcousticModel, model.owner, model.customization_id, int(model.run))
    assert fresh(model).status == "ready"
    assert (waiting(), at_work(), begun(TrainingBudget(0, 0))) == ([], set(), [])


def test_a_row_without_its_run_is_passed_over() -> None:
    gone, there = claimed(), claimed()
    assert turns.join(gone) and turns.join(there)
    fresh(gone).delete()
    assert begun(TrainingBudget(1, 0)) == [there.customization_id]
    assert waiting() == []


def test_places_of_runs_that_were_removed_by_hand_are_freed() -> None:
    gone, there = claimed(), claimed()
    assert turns.join(gone) and turns.join(there)
    assert len(begun(TrainingBudget(0, 0))) == 2
    fresh(gone).delete()
    assert turns.tidy() == 1
    assert at_work() == {there.customization_id}
    assert turns.tidy() == 0


def test_an_end_that_knows_nothing_of_the_turn_is_not_written() -> None:
    """Else the place of a run that was cancelled while it was given its turn would be taken for ever."""
    model = claimed()
    turns.join(model)
    stale = fresh(model)
    assert begun(TrainingBudget(1, 0)) == [model.customization_id]
    with pytest.raises(ConditionFailed):
        write(*turns.ending(stale, statuses.run_cancelled(stale, now())))
    assert at_work() == {model.customization_id}
    write(*turns.ending(fresh(model), statuses.run_cancelled(fresh(model), now())))
    assert at_work() == set()


def test_a_run_of_before_there_was_a_line_ends_like_any() -> None:
    model = claimed()
    fresh(model).update(actions=[AcousticModel.turn.set(model.run_started)])
    assert ended(model)
    assert at_work() == set()


# Histories, and races.


class History:
    """A few owners' trainings, and what is expected of them; killed at any moment, so each step is one write."""

    def __init__(self, budget: TrainingBudget) -> None:
        self.budget = budget
        self.models: list[AcousticModel] = []
        self.starts: Counter[str] = Counter()

    def claim(self, chance: random.Random) -> None:
        if len(self.models) < 7:
            self.models.append(claimed(chance.choice(OWNERS)))

    def join(self, chance: random.Random) -> None:
        if self.models:
            turns.join(chance.choice(self.models))

    def serve_one(self, chance: random.Random) -> None:
        """As whoever is killed after the first."""
        for model in turns.serve(self.budget):
            self.starts[model.customization_id] += 1
            return

    def end(self, chance: random.Random) -> None:
        if self.models:
            model = chance.choice(self.models)
            run = (AcousticModel, model.owner, model.customization_id, int(model.run))
            if chance.random() < 0.5:
                runs.cancelled(*run)
            else:
                runs.failed(*run, "no reason")

    def check(self) -> None:
        rows = [fresh(model) for model in self.models]
        running = {row.customization_id for row in rows if row.status == "training" and row.turn}
        assert at_work() == running
        assert self.budget.in_all == 0 or len(running) <= self.budget.in_all
        owners = Counter(row.owner for row in rows if row.customization_id in running)
        assert self.budget.of_owner == 0 or not owners or max(owners.values()) <= self.budget.of_owner
        assert set(waiting()) <= {
            row.customization_id for row in rows if row.status == "training" and not row.turn
        }
        assert set(self.starts.values()) <= {1}
        for row in rows:
            told = training_ends.beginning(
                row.owner, training_ends.prefix(row.customization_id, int(row.run))
            )
            assert len(told) == (row.status != "training"), "each end is noted once, no other is"

    def recover(self) -> None:
        """As the reconciler does, until nothing is left: then all have begun, each once, and ended."""
        for _ in range(len(self.models) + 1):
            for model in self.models:
                turns.join(model)
            for model in turns.serve(self.budget):
                self.starts[model.customization_id] += 1
            self.check()
            for model in self.models:
                if fresh(model).turn:
                    ended(model)
        assert {fresh(model).status for model in self.models} <= {"failed", "ready"}
        assert (waiting(), at_work()) == ([], set())


STEPS: list[Callable[[History, random.Random], None]] = [
    History.claim,
    History.claim,
    History.join,
    History.join,
    History.serve_one,
    History.serve_one,
    History.end,
]


@pytest.mark.slow
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    budget=st.builds(TrainingBudget, in_all=st.integers(0, 3), of_owner=st.integers(0, 2)),
)
def test_every_history_keeps_the_budget_and_comes_to_its_end(
    account: None, seed: int, budget: TrainingBudget
) -> None:
    for row in TrainingTurn.scan():
        row.delete()
    chance, history = random.Random(seed), History(budget)
    for _ in range(25):
        chance.choice(STEPS)(history, chance)
        history.check()
    history.recover()


@pytest.fixture
def atomic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto handle one request at a time, for its writes are not atomic as DynamoDB's are."""
    lock, handle = threading.Lock(), BotocoreStubber.__call__

    def one_at_a_time(self: BotocoreStubber, *arguments: Any, **options: Any) -> Any:
        with lock:
            return handle(self, *arguments, **options)

    monkeypatch.setattr(BotocoreStubber, "__call__", one_at_a_time)


def together(calls: list[Callable[[], Any]]) -> list[Any]:
    ready = threading.Barrier(len(calls))

    def attempt(call: Callable[[], Any]) -> Any:
        ready.wait()
        try:
            return call()
        except errors.CustomizationError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(attempt, calls))


def test_simultaneous_claims_begin_as_many_as_there_are_places(atomic: None) -> None:
    models = [claimed(OWNERS[number % 3]) for number in range(8)]
    budget = TrainingBudget(3, 2)

    def start(model: AcousticModel) -> list[str]:
        turns.join(model)
        return begun(budget)

    started = together([lambda model=model: start(model) for model in models])  # type: ignore[misc]
    names = [name for found in started for name in found]
    assert len(names) == len(set(names)) == 3
    assert at_work() == set(names)
    assert len(waiting()) == 5


def test_ends_and_servings_at_once_lose_and_double_nothing(atomic: None) -> None:
    models = [claimed(OWNERS[number % 2]) for number in range(8)]
    budget = TrainingBudget(2, 0)
    for model in models:
        turns.join(model)
    starts = Counter(begun(budget))

    def end_and_serve(model: AcousticModel) -> list[str]:
        ended(model)
        return begun(budget)

    while at_work():
        busy = [model for model in models if model.customization_id in at_work()]
        calls = [lambda model=model: end_and_serve(model) for model in busy]
        for found in together([*calls, lambda: begun(budget), lambda: begun(budget)]):
            starts.update(found)
        assert len(at_work()) <= 2
    assert starts == Counter({model.customization_id: 1 for model in models})
    assert waiting() == []


def test_of_a_turn_and_a_cancellation_at_once_both_are_right(atomic: None) -> None:
    for _ in range(4):
        model = claimed()
        turns.join(model)

        def cancel(model: AcousticModel = model) -> bool:
            return runs.cancelled(AcousticModel, model.owner, model.customization_id, int(model.run))

        _, done = together([lambda: begun(TrainingBudget(1, 1)), cancel])
        assert done
        assert fresh(model).status == "ready"
        assert (waiting(), at_work()) == ([], set())
