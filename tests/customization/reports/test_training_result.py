"""What a training has brought, in words, of either engine and of reports that lack things."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.customization.reports.training_result import TrainingResult
from tests.customization.reports.test_report_summary import KEPT, LIGHT, NETWORK

SURER = "Of words in audio that it did not learn from, the model is 62 % sure; the base model was 51 % sure."
CHANGED = "7 of 20 utterances of that audio are heard otherwise than by the base model."


def with_changed(report: dict[str, Any], changed: int) -> dict[str, Any]:
    return report | {"held_out": report["held_out"] | {"changed": changed}}


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (LIGHT, f"What was learned is used. {SURER}"),
        (with_changed(LIGHT, 7), f"What was learned is used. {SURER} {CHANGED}"),
        (NETWORK, f"75 % of what was learned is used. {SURER}"),
        (
            NETWORK | {"candidates": [{"accepted": False}, {"accepted": True, "hearing": {"changed": 1}}]},
            f"75 % of what was learned is used. {SURER} {CHANGED.replace('7', '1').replace('are', 'is')}",
        ),
        (
            with_changed(KEPT, 0),
            "What was learned is not used, so the model recognises exactly as its base model. Of words in "
            "audio that it did not learn from, with what was learned it was 62 % sure; the base model was "
            "51 % sure.",
        ),
        ({"decision": "adapted", "alpha": 1.0}, "What was learned is used."),
        ({"held_out": {"before": {"mean_posterior": 0.5}}}, None),
        ({}, None),
    ],
)
def test_in_words(report: dict[str, Any], words: str | None) -> None:
    result = TrainingResult.of_report(report)
    assert result.words == words
    kept = json.loads(json.dumps(result.to_figures()))
    assert TrainingResult.from_figures(kept | {"of": "a later program"}) == result


def test_shares_that_read_the_same_get_a_digit_more() -> None:
    result = TrainingResult("adapted", None, 0.6213, 0.6249)
    assert result.words is not None
    assert "the model is 62.5 % sure; the base model was 62.1 % sure" in result.words


@pytest.mark.parametrize("nonsense", [None, [], "x", {"before": 1}, {"utterances": "x", "changed": "y"}])
def test_a_report_in_another_form_is_passed_over(nonsense: Any) -> None:
    assert (
        TrainingResult.of_report({"decision": 3, "held_out": nonsense, "candidates": nonsense}).words is None
    )
