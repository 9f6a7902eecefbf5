"""The page about costs has the figures that the prices and the template give."""

from __future__ import annotations

import json
import re

import pytest

from infra import cost
from infra.resources import TEMPLATE
from tests.running_service import ROOT

PAGE = ROOT / "docs" / "cost.md"


def test_the_page_has_the_tables_that_the_program_prints() -> None:
    shown = re.search(r"<!-- infra.cost -->\n(.*)<!-- end -->", PAGE.read_text(), re.DOTALL)
    assert shown is not None
    assert shown[1] == "\n".join(cost.tables()) + "\n"


def test_what_is_idle_is_counted_in_the_template() -> None:
    items = {item.what.split(",")[0]: item.usd for item in cost.idle_month()}
    template = json.loads(TEMPLATE.read_text())
    resources = template["Resources"]
    queues = [name for name in resources if name.endswith("Queue") and not name.endswith("DeadQueue")]
    limited = len(template["Mappings"]["Concurrency"]["10"])
    assert 0 < limited < len(queues)
    # Five pollers that wait for 20 s each, two where nothing is limited, the first million of requests for nothing.
    polls = (limited * 5 + (len(queues) - limited) * 2) * 3 * 60 * 730
    assert items["Lambda's pollers"] == pytest.approx((polls - 1e6) * 0.4 / 1e6)
    alarms = sum(one.get("Type") == "AWS::CloudWatch::Alarm" for one in resources.values())
    assert items[f"{alarms} alarms"] == pytest.approx(max(0.0, 0.1 * (alarms - 10)))
    assert items["its listings of the bucket"] == pytest.approx(2 * 730 * 2 * 5 / 1e6)
    assert not [name for name, one in resources.items() if one.get("Type") == "AWS::SecretsManager::Secret"]


def test_an_idle_month_costs_less_than_two_dollars() -> None:
    assert sum(item.usd for item in cost.idle_month()) <= 2.0


def test_an_hour_costs_the_time_that_it_takes() -> None:
    # 576 s of 2.9375 + 0.25 GB.
    assert cost.hour_recognised("light") == pytest.approx(576 * 3.1875 * 0.0000166667)
    assert cost.hour_recognised("network") < 0.02
    # 300 s to begin and 252 s of work, at 40.8 cents an hour.
    assert cost.hour_adapted("light") == pytest.approx(552 / 3600 * 0.408)
    assert cost.hour_adapted("light", 10) < cost.hour_adapted("light")


def test_a_container_costs_about_72_dollars_and_its_address() -> None:
    assert cost.front_door_month(2) - cost.front_door_month(1) == pytest.approx(75.7, abs=0.2)
