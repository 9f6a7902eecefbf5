"""Billable seconds to money."""

from __future__ import annotations

import pytest

from chalicelib.training import cost
from chalicelib.training.cost import Cost, Price, price_of


def test_every_instance_is_billed() -> None:
    found = Cost("ml.g5.xlarge", 2, 900, Price(1.4, "a list"))
    assert found.usd == pytest.approx(0.7)
    assert found.to_json() == {
        "instance_type": "ml.g5.xlarge",
        "instance_count": 2,
        "billable_s": 900,
        "usd_per_hour": 1.4,
        "usd": 0.7,
        "price_source": "a list",
    }


def test_a_price_that_nobody_knows_is_not_guessed() -> None:
    found = Cost("ml.x9.large", 1, 900, price_of("ml.x9.large"))
    assert (found.usd, found.to_json()["usd"], found.to_json()["price_source"]) == (None, None, None)


def test_the_operators_price_goes_before_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert price_of("ml.g5.xlarge") == Price(1.408, cost.LIST)
    monkeypatch.setenv("ATTUNE_TRAINING_PRICES", "ml.g5.xlarge=2 ml.x9.large=9")
    assert price_of("ml.g5.xlarge") == Price(2.0, cost.OPERATORS)
    assert price_of("ml.x9.large") == Price(9.0, cost.OPERATORS)
    assert price_of("ml.c5.2xlarge") == Price(0.408, cost.LIST)


def test_nobody_bills_the_services_own_machine() -> None:
    assert Cost("local", 1, 151, price_of("local")).usd == 0
