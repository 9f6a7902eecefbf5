"""The page of alarms: a section for each alarm of each template, to which the alarm leads."""

from __future__ import annotations

import json
import re

import pytest

from tests.running_service import ROOT

PAGE = "docs/alarms.md"
PARTS = ["Meaning.", "First look.", "Mending.", "Wake somebody"]


def _alarms() -> dict[str, str]:
    """Return the description of each alarm by its name, without the stack's."""
    resources = [
        resource
        for template in sorted((ROOT / "infra").glob("*.json"))
        for resource in json.loads(template.read_text()).get("Resources", {}).values()
    ]
    found = [one["Properties"] for one in resources if one.get("Type") == "AWS::CloudWatch::Alarm"]
    return {one["AlarmName"]["Fn::Sub"].removeprefix("${Name}-"): one["AlarmDescription"] for one in found}


def _sections() -> dict[str, str]:
    _, *pieces = re.split(r"^## ", (ROOT / PAGE).read_text(), flags=re.MULTILINE)
    return {name: text for name, _, text in (piece.partition("\n") for piece in pieces)}


ALARMS = _alarms()


def test_alarms_and_sections_belong_to_each_other() -> None:
    assert len(ALARMS) >= 12
    assert sorted(_sections()) == sorted(ALARMS)


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_leads_to_its_section_which_is_whole(name: str) -> None:
    assert ALARMS[name].endswith(f" See {PAGE}#{name}.")
    paragraphs = _sections()[name].strip().split("\n\n")
    assert [re.match(r"\*\*(.+?)\*\*", one)[1] for one in paragraphs] == PARTS  # type: ignore[index]
    assert all(len(one.split()) > 8 for one in paragraphs)
