"""What a report says in plain sentences, of either engine, and of reports that lack things."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.customization.reports import report_summary

LIGHT: dict[str, Any] = {
    "decision": "transform",
    "reason": "it is surer of held-out audio",
    "base_version": "en-US_NarrowbandModel.v2019-06-24",
    "audio_s": 870.0,
    "speech_s": 610.5,
    "used_s": 540.0,
    "transcribed_s": 66.0,
    "language_model": "language-model.tar.gz",
    "left_out": [
        {
            "audio_name": "a",
            "member": None,
            "start_s": 0.0,
            "end_s": 4.0,
            "reason": "there is no speech in it",
        },
        {
            "audio_name": "a",
            "member": None,
            "start_s": 9.0,
            "end_s": 12.0,
            "reason": "there is no speech in it",
        },
        {
            "audio_name": "b",
            "member": "x.wav",
            "start_s": None,
            "end_s": None,
            "reason": "It cannot be decoded.",
        },
    ],
    "rounds": [
        {
            "round": 1,
            "mean_posterior": 0.512,
            "words": 900,
            "used_s": 400.0,
            "log_likelihood_per_frame": -70.0,
        },
        {"round": 2, "mean_posterior": 0.6, "words": 930, "used_s": 540.0, "log_likelihood_per_frame": -68.0},
    ],
    "held_out": {
        "utterances": 20,
        "audio_s": 75.0,
        "before": {"words": 170, "words_a_minute": 136.0, "mean_posterior": 0.51, "different_words": 80},
        "after": {"words": 174, "words_a_minute": 139.2, "mean_posterior": 0.62, "different_words": 85},
    },
    "training_s": 95.0,
    "cores": 2,
    "gpus": 0,
}
NETWORK: dict[str, Any] = LIGHT | {
    "decision": "adapted",
    "reason": "surer of held-out audio, and no worse on ordinary speech",
    "language_model": None,
    "transcribed_s": 0.0,
    "left_out": [],
    "alpha": 0.75,
    "candidates": [
        {
            "alpha": 1.0,
            "held_out": {},
            "ordinary_speech": {"words": 400, "errors": 30},
            "accepted": False,
            "reason": "1.8 % more words of ordinary speech are wrong.",
        },
        {
            "alpha": 0.75,
            "held_out": {},
            "ordinary_speech": {"words": 400, "errors": 20},
            "accepted": True,
            "reason": "",
        },
    ],
    "ordinary_speech": {"base": {"words": 400, "errors": 20}, "chosen": {"words": 400, "errors": 18}},
    "rounds": [{"round": 1, "labels": 210, "kept": 147, "seconds": 64.2, "loss": 0.41}],
    "cost": {"usd": 0.183},
    "training_s": 7500.0,
    "cores": 4,
    "gpus": 1,
}
KEPT: dict[str, Any] = NETWORK | {
    "decision": "base",
    "alpha": 0,
    "reason": "the held-out audio is heard no better",
    "candidates": [
        {"alpha": alpha, "accepted": False, "reason": "it hears fewer words"}
        for alpha in (1, 0.75, 0.5, 0.25)
    ],
    "ordinary_speech": {"base": {"words": 400, "errors": 20}, "chosen": {"words": 400, "errors": 20}},
}


def test_of_the_light_engine() -> None:
    assert report_summary.summary(LIGHT) == [
        "The model was given 14.5 minutes of audio, 10.2 minutes of it speech.",
        "It learned from 9.0 minutes of that.",
        "For 66 seconds of it the transcript was found in the texts of the custom language model that helped.",
        "3 pieces of audio taught nothing and were left out: 2 pieces (7 seconds): there is no speech in it; "
        "1 piece: It cannot be decoded.",
        "Round 1 began with readings that were 51 % sure, and learned from 6.7 minutes.",
        "Round 2 began with readings that were 60 % sure, and learned from 9.0 minutes.",
        "It was judged by 20 utterances (75 seconds) that it did not learn from.",
        "On these the base model was 51 % sure of its words and the trained one 62 %, in which they found 170 "
        "and 174 words.",
        "What was learned up to the stage 'transform' is used: it is surer of held-out audio.",
        "The training took 95 seconds on 2 cores.",
    ]


def test_of_the_network() -> None:
    assert report_summary.summary(NETWORK) == [
        "The model was given 14.5 minutes of audio, 10.2 minutes of it speech.",
        "It learned from 9.0 minutes of that.",
        "Round 1: 147 of 210 utterances were heard surely enough to learn from; it took 64 seconds.",
        "It was judged by 20 utterances (75 seconds) that it did not learn from.",
        "On these the base model was 51 % sure of its words and the trained one 62 %, in which they found 170 "
        "and 174 words.",
        "On 400 words of ordinary speech, with known transcripts, the base model gets 5.0 % wrong and what was "
        "chosen 4.5 %.",
        "100 % of what was learned was not good enough: 1.8 % more words of ordinary speech are wrong.",
        "75 % of what was learned is used (alpha 0.75): surer of held-out audio, and no worse on ordinary "
        "speech.",
        "The training took 2.1 hours on 1 GPU and 4 cores.",
        "Its machines cost 0.18 USD.",
    ]


def test_where_the_base_is_kept() -> None:
    sentences = report_summary.summary(KEPT)
    assert sentences[1] == "It tried to learn from 9.0 minutes of that."
    assert [sentence for sentence in sentences if "not good enough" in sentence] == [
        f"{share} % of what was learned was not good enough: it hears fewer words."
        for share in (100, 75, 50, 25)
    ]
    assert (
        "The base model is kept, and the custom model recognises exactly as it does: the held-out audio is heard "
        "no better."
    ) in sentences


def test_what_is_told_of_an_end() -> None:
    assert report_summary.outcome(NETWORK) == {
        "decision": "adapted",
        "reason": "surer of held-out audio, and no worse on ordinary speech",
        "alpha": 0.75,
        "gain": {
            "mean_posterior": {"before": 0.51, "after": 0.62},
            "ordinary_speech": {"base": 0.05, "chosen": 0.045},
        },
    }
    assert report_summary.outcome(LIGHT)["gain"] == {"mean_posterior": {"before": 0.51, "after": 0.62}}
    assert report_summary.outcome({}) == {"decision": None, "reason": None}


@pytest.mark.parametrize(
    ("cost", "told"),
    [({"usd": 0.5}, "0.50 USD"), ({"usd": 10**400}, None), ({"usd": None}, None), (0.5, None), (None, None)],
)
def test_a_cost_is_told_where_it_is_known(cost: object, told: str | None) -> None:
    sentences = report_summary.summary({"cost": cost})
    assert sentences == ([] if told is None else [f"Its machines cost {told}."])


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(NETWORK)), JSON))
def test_whatever_a_report_holds_it_is_no_failure(report: dict[str, Any]) -> None:
    mixed = LIGHT | report
    assert all(isinstance(sentence, str) and sentence for sentence in report_summary.summary(mixed))
    assert math.isfinite(len(json.dumps(report_summary.outcome(mixed), allow_nan=False)))
