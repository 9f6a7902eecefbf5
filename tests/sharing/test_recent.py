from __future__ import annotations

from chalicelib.sharing.recent import HALF_LIFE_S, HEAVY_S, Recent


class _Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_who_has_had_much_stands_back_while_others_are_there() -> None:
    recent = Recent(_Clock())
    recent.add("greedy", 2 * HEAVY_S)
    assert not recent.stands_back("greedy")  # nobody else is there
    recent.add("modest", 1.0)
    assert recent.stands_back("greedy")
    assert not recent.stands_back("modest")
    assert not recent.stands_back("who has never come")


def test_those_who_have_had_as_much_are_equals() -> None:
    recent = Recent(_Clock())
    recent.add("one", 2 * HEAVY_S)
    recent.add("other", 2.2 * HEAVY_S)
    assert not recent.stands_back("one")
    assert not recent.stands_back("other")
    recent.note("newcomer")
    assert recent.stands_back("one")
    assert recent.stands_back("other")
    assert not recent.stands_back("newcomer")


def test_what_is_long_ago_is_forgotten() -> None:
    clock = _Clock()
    recent = Recent(clock)
    recent.add("greedy", 2 * HEAVY_S)
    recent.add("modest", 1.0)
    clock.now_s += 1.5 * HALF_LIFE_S
    recent.add("modest", 1.0)
    assert not recent.stands_back("greedy")


def test_an_owner_who_has_gone_keeps_nobody_back() -> None:
    clock = _Clock()
    recent = Recent(clock)
    recent.add("modest", 1.0)
    clock.now_s += 3600
    recent.add("greedy", 2 * HEAVY_S)
    assert not recent.others_than("greedy")
    assert not recent.stands_back("greedy")
