"""What evidence for a grammar is worth."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.catalogue import BASE_MODELS
from chalicelib.engines.sphinx.grammar_evidence import Calibration, Evidence, calibration_of

numbers = st.floats(-1e6, 1e6)


@given(st.builds(Evidence, numbers, numbers, st.floats(0, 1)), numbers)
def test_a_probability_is_one_whatever_the_evidence(evidence: Evidence, offset: float) -> None:
    assert 0 <= Calibration(2.0, -2.0, 10.0, offset).probability(evidence) <= 1


@pytest.mark.parametrize("version", [version for base in BASE_MODELS.values() for version in base.versions])
def test_better_evidence_makes_surer(version: str) -> None:
    calibration = calibration_of(version)
    middling = Evidence(match=-2.5, phonotactics=-2.0, coverage=0.8)
    chance = calibration.probability(middling)
    for better in (
        dataclasses.replace(middling, match=-2.0),
        dataclasses.replace(middling, phonotactics=-2.5),
        dataclasses.replace(middling, coverage=0.9),
    ):
        assert calibration.probability(better) > chance
    assert calibration.probability(dataclasses.replace(middling, coverage=0.0)) < 0.1
