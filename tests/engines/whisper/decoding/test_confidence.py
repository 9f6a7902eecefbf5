from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.decoding.confidence import confidence, evidence

_CHANCES = st.lists(st.floats(-25, 0), max_size=5)


@given(_CHANCES, st.floats(0, 1), st.floats(-5, 0))
def test_a_confidence_is_a_probability(chances: list[float], agreement: float, score: float) -> None:
    assert 0 < confidence(evidence(chances, agreement, score)) < 1


@given(_CHANCES, st.floats(0, 0.9), st.floats(-5, -0.1))
def test_agreement_and_a_better_score_make_surer(
    chances: list[float], agreement: float, score: float
) -> None:
    told = confidence(evidence(chances or [-0.5], agreement, score))
    assert confidence(evidence(chances or [-0.5], agreement + 0.1, score)) > told
    assert confidence(evidence(chances or [-0.5], agreement, score + 0.1)) > told


def test_what_all_readings_have_is_likely_right_and_what_one_has_is_not() -> None:
    assert confidence(evidence([-0.1], 1.0, -0.2)) > 0.9
    assert confidence(evidence([-2.0], 0.2, -0.9)) < 0.4
