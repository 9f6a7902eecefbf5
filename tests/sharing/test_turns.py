from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.sharing.turns import Turns


def _all(turns: Turns[int]) -> list[tuple[str, int]]:
    taken = []
    while (entry := turns.take()) is not None:
        taken.append(entry)
    return taken


def test_owners_take_turns_however_much_one_wants() -> None:
    turns: Turns[int] = Turns()
    for number in range(6):
        turns.put("greedy", number)
    turns.put("modest", 10)
    turns.put("third", 20)
    turns.put("modest", 11)
    assert _all(turns) == [
        *(("greedy", 0), ("modest", 10), ("third", 20)),
        *(("greedy", 1), ("modest", 11)),
        *(("greedy", number) for number in range(2, 6)),
    ]


def test_who_comes_later_is_the_next() -> None:
    turns: Turns[int] = Turns()
    for number in range(100):
        turns.put("greedy", number)
    assert turns.take() == ("greedy", 0)
    turns.put("modest", 10)
    assert [turns.take(), turns.take()] == [("modest", 10), ("greedy", 1)]
    turns.put("modest", 11)  # greedy has had a turn since
    assert [turns.take(), turns.take()] == [("modest", 11), ("greedy", 2)]


def test_only_those_who_may_have_a_turn() -> None:
    turns: Turns[int] = Turns()
    turns.put("one", 1)
    turns.put("other", 2)
    assert turns.take(lambda owner: owner == "other") == ("other", 2)
    assert turns.take(lambda owner: owner == "other") is None
    assert turns.take() == ("one", 1)


def test_an_entry_can_be_taken_out() -> None:
    turns: Turns[int] = Turns()
    turns.put("one", 1)
    turns.put("one", 2)
    assert turns.discard("one", 1)
    assert not turns.discard("one", 1)
    assert not turns.discard("nobody", 1)
    assert (turns.waiting("one"), len(turns)) == (1, 1)
    assert turns.discard("one", 2)
    assert _all(turns) == []


@given(st.lists(st.sampled_from(["a", "b", "c", "take"])))
def test_nothing_is_lost_and_each_owner_keeps_the_order(steps: list[str]) -> None:
    turns: Turns[int] = Turns()
    put: dict[str, list[int]] = {}
    taken: dict[str, list[int]] = {}
    for number, step in enumerate(steps):
        if step == "take":
            if (entry := turns.take()) is not None:
                taken.setdefault(entry[0], []).append(entry[1])
        else:
            turns.put(step, number)
            put.setdefault(step, []).append(number)
    for owner, number in _all(turns):
        taken.setdefault(owner, []).append(number)
    assert taken == put
    assert len(turns) == 0
