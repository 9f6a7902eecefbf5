"""The guard: what may be learned from, and what may take the base's place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from training_image.sphinx.guard import (
    SphinxFigures,
    better_without_noise,
    figures,
    judge_material,
    judge_model,
    may_be_noisy,
)
from training_image.sphinx.shards import DecodedShard

SPEECH = SphinxFigures(words=100, words_a_minute=150.0, mean_posterior=0.6, different_words=60, phones=38)


def _decoded(texts: tuple[str, ...], posteriors: list[float], codebooks: list[int]) -> DecodedShard:
    frames = len(codebooks)
    return DecodedShard(
        frames=np.array([frames, 0][: len(texts)], np.int32),
        words=np.array([len(text.split()) for text in texts], np.int32),
        posteriors=np.array(posteriors, np.float32),
        texts=texts,
        senones=np.zeros(frames, np.int16),
        codebooks=np.array(codebooks, np.int16),
        confidences=np.ones(frames, np.float16),
        transcribed=np.zeros(len(texts), np.bool_),
    )


def test_figures_are_over_all_words() -> None:
    shards = [_decoded(("go on", ""), [0.5, 1.0], [1] * 600), _decoded(("go",), [0.0], [2] * 600)]
    found = figures(shards)
    assert (found.words, found.mean_posterior, found.different_words) == (3, 0.5, 2)
    assert found.words_a_minute == 15.0


def test_a_phone_counts_when_it_was_heard_for_long_enough() -> None:
    assert figures([_decoded(("go",), [1.0], [1] * 100 + [2] * 100 + [3] * 2)]).phones == 2


def test_no_audio_has_no_figures() -> None:
    assert figures([]) == SphinxFigures(0, 0.0, 0.0, 0, 0)


@pytest.mark.parametrize(
    ("change", "held_out_change", "reason"),
    [
        ({}, {"words": 3}, "only 3 words"),
        ({"different_words": 4}, {}, "only 4 different words"),
        ({"phones": 9}, {}, "only 9"),
        ({}, {"mean_posterior": 0.3}, "too unsure"),
        ({}, {"words": 3, "mean_posterior": 0.2}, "only 3 words"),
    ],
)
def test_material_without_speech_to_learn_from_is_refused(
    change: dict[str, int], held_out_change: dict[str, float], reason: str
) -> None:
    verdict = judge_material(
        dataclasses.replace(SPEECH, **change),
        dataclasses.replace(SPEECH, **held_out_change),  # type: ignore[arg-type]
    )
    assert not verdict.accepted
    assert reason in verdict.reason


def test_speech_is_material() -> None:
    assert judge_material(SPEECH, SPEECH).accepted


@pytest.mark.parametrize(
    ("posterior", "words", "accepted"),
    [(0.7, 100, True), (0.6, 100, False), (0.5, 100, False), (0.9, 40, False), (0.62, 60, True)],
)
def test_only_a_surer_model_that_hears_as_much_is_accepted(
    posterior: float, words: int, accepted: bool
) -> None:
    candidate = dataclasses.replace(SPEECH, mean_posterior=posterior, words=words)
    verdict = judge_model(SPEECH, candidate)
    assert verdict.accepted is accepted
    assert "0.600" in verdict.reason


@pytest.mark.parametrize(("posterior", "accepted"), [(0.3, False), (0.35, False), (0.41, True)])
def test_an_unsure_base_must_be_beaten_clearly(posterior: float, accepted: bool) -> None:
    base = dataclasses.replace(SPEECH, mean_posterior=0.3)
    assert judge_model(base, dataclasses.replace(SPEECH, mean_posterior=posterior)).accepted is accepted


@pytest.mark.parametrize(("posterior", "accepted"), [(0.47, False), (0.53, True)])
def test_a_model_that_takes_noise_out_must_be_much_surer(posterior: float, accepted: bool) -> None:
    base = dataclasses.replace(SPEECH, mean_posterior=0.37)
    candidate = dataclasses.replace(SPEECH, mean_posterior=posterior)
    assert judge_model(base, candidate, less_noise=True).accepted is accepted


@pytest.mark.parametrize(
    ("posterior", "words", "noisy"), [(0.3, 100, True), (0.6, 100, False), (0.3, 5, False)]
)
def test_only_an_unsure_base_is_asked_again_without_noise(posterior: float, words: int, noisy: bool) -> None:
    assert may_be_noisy(dataclasses.replace(SPEECH, mean_posterior=posterior, words=words)) is noisy


@pytest.mark.parametrize(
    ("posterior", "words", "better"), [(0.36, 100, True), (0.32, 100, False), (0.5, 40, False)]
)
def test_noise_is_taken_out_where_that_helps_clearly(posterior: float, words: int, better: bool) -> None:
    base = dataclasses.replace(SPEECH, mean_posterior=0.3)
    without = dataclasses.replace(SPEECH, mean_posterior=posterior, words=words)
    assert better_without_noise(base, without) is better


@pytest.mark.parametrize(("posterior", "accepted"), [(0.3, True), (0.2, False)])
def test_where_noise_stood_in_the_way_less_certainty_is_enough(posterior: float, accepted: bool) -> None:
    heard = dataclasses.replace(SPEECH, mean_posterior=posterior)
    assert judge_material(SPEECH, heard, less_noise=True).accepted is accepted
