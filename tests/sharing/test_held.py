from __future__ import annotations

import pytest

from chalicelib.sharing.held import HeldByOwners, TooMuchHeld


def test_each_owner_may_hold_so_much() -> None:
    held = HeldByOwners(lambda: 100)
    with held.holding("one") as take, held.holding("one") as other_request, held.holding("other") as other:
        take(60)
        other_request(40)
        other(100)
        with pytest.raises(TooMuchHeld, match="Requests of yours") as refused:
            other_request(1)
        assert refused.value.retry_after_s > 0
        assert held.of("one") == 100
    assert held.of("one") == 0


def test_what_ends_makes_room() -> None:
    held = HeldByOwners(lambda: 100)
    with held.holding("one") as take:
        with held.holding("one") as first:
            first(80)
        take(90)


def test_without_a_limit_any_number_is_held() -> None:
    held = HeldByOwners(lambda: 0)
    with held.holding("one") as take:
        take(10**15)
        assert held.of("one") == 10**15
