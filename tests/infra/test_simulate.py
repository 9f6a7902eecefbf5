"""The page about scale has the tables that the simulation prints; an hour of audio takes less than a minute."""

from __future__ import annotations

import json
import re

import pytest

from chalicelib.events.delivery import lease
from infra import simulate
from infra.cost import SQS_REQUEST
from infra.resources import TEMPLATE
from infra.scale.jobs import SimulatedJob, SimulatedService, rules, spoken
from tests.running_service import ROOT

PAGE = ROOT / "docs" / "scale.md"


def test_the_page_has_the_tables_that_the_program_prints() -> None:
    shown = re.search(r"<!-- infra.simulate -->\n(.*)<!-- end -->", PAGE.read_text(), re.DOTALL)
    assert shown is not None
    assert shown[1] == "\n".join(simulate.tables()) + "\n"


def test_the_functions_are_told_what_is_simulated() -> None:
    template = json.loads(TEMPLATE.read_text())
    variables = template["Globals"]["Function"]["Environment"]["Variables"]
    for variable, name in (("ATTUNE_PIECE_S", "Seconds"), ("ATTUNE_PIECES_AT_ONCE", "AtOnce")):
        assert variables[variable] == {"Fn::FindInMap": ["Pieces", {"Ref": "AccountConcurrency"}, name]}
    for account in simulate.ACCOUNTS:
        assert rules(account).pieces_at_once <= rules(account).most_of_queue


@pytest.mark.parametrize("engine", simulate.ENGINES)
def test_an_hour_takes_less_than_a_minute_where_functions_are_free(engine: str) -> None:
    for account in (100, 1000):
        assert simulate.one_recording(rules(account), engine).p50_s < 60


def test_a_killed_piece_costs_little_more_than_its_lease() -> None:
    well = simulate.one_recording(rules(1000), "light")
    for piece in (0, well.pieces // 2, well.pieces - 1):
        killed = simulate.one_recording(rules(1000), "light", killed_piece=piece)
        assert 0 < killed.p50_s - well.p50_s <= lease.LEASE_S + 20
        assert killed.lost == 0


def test_a_short_recording_is_not_cut_and_the_bill_adds_up() -> None:
    service = SimulatedService(rules(10), "light")
    service.take(SimulatedJob(spoken(rules(10).piece_s - 1, seed=3)))
    service.clock.run()
    (job,) = service.jobs
    assert job.done_s is not None
    assert not job.pieces_s
    assert service.account.most == 2, "the function that waits, and the one that recognises"
    assert service.queue.usd == pytest.approx(3 * SQS_REQUEST)
    assert service.usd == service.recognize.usd + service.waiting.usd + service.queue.usd


def test_no_more_pieces_than_allowed_are_at_work_and_none_is_lost() -> None:
    outcome = simulate.day(100, 10, "light")
    assert outcome.most <= 2 * rules(10).most_of_queue
    assert (len(outcome.walls_s), outcome.lost) == (20, 0)


def test_spoken_utterances_fill_the_recording() -> None:
    utterances = spoken(3600, seed=5)
    assert sum(utterances) == pytest.approx(3600)
    assert 650 < len(utterances) < 950
