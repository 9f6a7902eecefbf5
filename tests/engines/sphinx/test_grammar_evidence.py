"""What evidence for a grammar is worth."""

from __future__ import annotations

import dataclasses

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.sphinx.grammar_evidence import CALIBRATION, Calibration, GrammarEvidence

numbers = st.floats(-1e6, 1e6)


@given(st.builds(GrammarEvidence, numbers, st.floats(0, 1), numbers), numbers)
def test_a_probability_is_one_whatever_the_evidence(evidence: GrammarEvidence, offset: float) -> None:
    assert 0 <= Calibration(1.5, 5.0, 2.0, offset).probability(evidence) <= 1


def test_better_evidence_makes_surer() -> None:
    middling = GrammarEvidence(goodness=-6.0, coverage=0.8, length=2.3)
    chance = CALIBRATION.probability(middling)
    for better in (
        dataclasses.replace(middling, goodness=-4.0),
        dataclasses.replace(middling, coverage=0.9),
        dataclasses.replace(middling, length=2.6),
    ):
        assert CALIBRATION.probability(better) > chance
    assert CALIBRATION.probability(dataclasses.replace(middling, coverage=0.0)) < 0.1
    assert CALIBRATION.probability(dataclasses.replace(middling, goodness=-12.0)) < 0.1
