"""The promise that every engine keeps: nothing takes the base's place unless it is better."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_image import guard
from training_image.guard import Figures, Verdict, choose, judge_material, judge_model

SPEECH = Figures(words=100, words_a_minute=150.0, mean_posterior=0.6, different_words=60)
JUDGE = functools.partial(judge_model, least_rise=0.01)

figures = st.builds(
    Figures,
    words=st.integers(0, 500),
    words_a_minute=st.just(150.0),
    mean_posterior=st.floats(0, 1),
    different_words=st.integers(0, 100),
)


def _heard(posterior: float, words: int = 100) -> Figures:
    return dataclasses.replace(SPEECH, mean_posterior=posterior, words=words)


@given(figures, st.lists(figures, max_size=4))
def test_what_is_chosen_is_never_less_sure_than_the_base_nor_deaf(
    base: Figures, candidates: list[Figures]
) -> None:
    stages = {f"stage-{number}": each for number, each in enumerate(candidates)}
    choice = choose(base, stages.items(), JUDGE)
    if choice.stage == "base":
        assert choice.reason.startswith("The base model is kept")
        assert not any(JUDGE(base, each).accepted for each in candidates)
    else:
        assert choice.after == stages[choice.stage]
        assert choice.after.mean_posterior > base.mean_posterior
        assert choice.after.words >= base.words / 2


def test_the_first_that_is_better_is_taken_and_no_further_one_judged() -> None:
    judged = []

    def candidates() -> Iterator[tuple[str, Figures]]:
        for stage, posterior in (("whole", 0.5), ("half", 0.7), ("quarter", 0.9)):
            judged.append(stage)
            yield stage, _heard(posterior)

    choice = choose(SPEECH, candidates(), JUDGE)
    assert (choice.stage, judged) == ("half", ["whole", "half"])
    assert choice.reason == "Better than the base: mean word posterior on held-out audio 0.600 → 0.700."


def test_a_kept_base_says_how_every_candidate_did() -> None:
    choice = choose(SPEECH, [("whole", _heard(0.5)), ("half", _heard(0.9, words=49))], JUDGE)
    assert (choice.stage, choice.after) == ("base", _heard(0.9, words=49))
    assert "0.600 → 0.500; mean word posterior on held-out audio 0.600 → 0.900" in choice.reason


def test_without_candidates_the_base_is_kept() -> None:
    assert choose(SPEECH, [], JUDGE).after == SPEECH


@pytest.mark.parametrize(
    ("learned", "held_out", "evidence", "reason"),
    [
        (SPEECH, _heard(0.6, words=9), [], "only 9 words"),
        (dataclasses.replace(SPEECH, different_words=19), SPEECH, [], "only 19 different words"),
        (SPEECH, SPEECH, [Verdict(True, "fine"), Verdict(False, "too few vowels")], "too few vowels"),
        (SPEECH, _heard(0.34), [], "too unsure of the audio"),
    ],
)
def test_material_that_teaches_nothing_is_refused(
    learned: Figures, held_out: Figures, evidence: list[Verdict], reason: str
) -> None:
    verdict = judge_material(learned, held_out, least_posterior=0.35, evidence=evidence)
    assert not verdict.accepted
    assert reason in verdict.reason


def test_what_is_heard_by_chance_teaches_nothing() -> None:
    assert guard.judge_agreement(0.5).accepted
    verdict = guard.judge_agreement(0.39)
    assert not verdict.accepted
    assert "only 39% of its words again" in verdict.reason


def test_speech_that_the_base_is_sure_of_is_material() -> None:
    assert judge_material(SPEECH, SPEECH, least_posterior=0.35, evidence=[Verdict(True, "")]).accepted


def _hearing(**changes: Any) -> guard.Hearing:
    figures = guard.Figures(words=100, words_a_minute=120.0, mean_posterior=0.7, different_words=60)
    plain = guard.Hearing(
        held_out=figures,
        agreement=0.8,
        sure_words_found=1.0,
        spoken=34,
        silenced=0,
        ordinary=guard.Errors(words=600, errors=30),
        non_speech_words=0,
        repetitions=0,
    )
    return dataclasses.replace(plain, **changes)


def _surer(**changes: Any) -> guard.Hearing:
    return _hearing(held_out=dataclasses.replace(_hearing().held_out, mean_posterior=0.8), **changes)


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (_surer(ordinary=guard.Errors(600, 31)), "ordinary speech"),
        (_surer(non_speech_words=1), "where nobody speaks"),
        (_surer(repetitions=1), "repeats itself"),
        (_surer(sure_words_found=0.85), "the base was sure of"),
        (_surer(agreement=0.75), "altered a little"),
        (_surer(silenced=3), "nothing in 3 of the 34 held-out utterances"),
        (_hearing(), "not surer"),
        (_hearing(held_out=guard.Figures(40, 50.0, 0.95, 20)), "finds 40 words"),
        (_hearing(held_out=guard.Figures(200, 240.0, 0.95, 20)), "finds 200 words"),
    ],
)
def test_each_harm_is_seen_and_named(candidate: guard.Hearing, reason: str) -> None:
    verdict = guard.judge_change(_hearing(), candidate)
    assert not verdict.accepted
    assert reason in verdict.reason


def test_what_is_surer_and_harms_nothing_serves() -> None:
    choice = guard.choose_alpha(_hearing(), lambda alpha: _surer())
    assert choice.alpha == 1.0
    assert choice.reason.startswith("Better than the base with all of what was learned")
    assert len(choice.candidates) == 1


def test_the_largest_harmless_share_serves_and_no_more_is_heard() -> None:
    heard = []

    def hear(alpha: float) -> guard.Hearing:
        heard.append(alpha)
        return _surer(ordinary=guard.Errors(600, 30 if alpha <= 0.5 else 40))

    choice = guard.choose_alpha(_hearing(), hear)
    assert choice.alpha == 0.5
    assert heard == [1.0, 0.75, 0.5]
    assert [one.accepted for one in choice.candidates] == [False, False, True]


def test_the_base_is_kept_where_every_share_harms() -> None:
    choice = guard.choose_alpha(_hearing(), lambda alpha: _surer(repetitions=2))
    assert choice.alpha == 0
    assert choice.hearing == _hearing()
    assert "The base model is kept" in choice.reason
    assert "repeats itself in 2" in choice.reason


@given(
    errors=st.integers(0, 200),
    words=st.integers(0, 300),
    posterior=st.floats(0, 1),
    agreement=st.floats(0, 1),
    non_speech_words=st.integers(0, 5),
)
def test_what_serves_never_loses_more_ordinary_words_than_allowed(
    errors: int, words: int, posterior: float, agreement: float, non_speech_words: int
) -> None:
    candidate = _hearing(
        held_out=guard.Figures(words, 100.0, posterior, words),
        ordinary=guard.Errors(600, errors),
        agreement=agreement,
        non_speech_words=non_speech_words,
    )
    if guard.choose_alpha(_hearing(), lambda alpha: candidate).alpha:
        assert errors <= 30 * 1.01
        assert non_speech_words == 0
        assert posterior > 0.7
