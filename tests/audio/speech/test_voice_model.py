from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from chalicelib.audio.speech.voice_features import CEPSTRA
from chalicelib.audio.speech.voice_model import VoiceModel, load, voice_model


@pytest.fixture
def model() -> VoiceModel:
    random = np.random.default_rng(1)
    return VoiceModel(
        weights=np.array([0.25, 0.75]),
        means=random.standard_normal((2, 3)),
        variances=random.uniform(0.5, 2.0, (2, 3)),
        directions=random.standard_normal((2, 3, 2)),
    )


def test_posteriors_are_those_of_the_mixture(model: VoiceModel) -> None:
    features = np.random.default_rng(2).standard_normal((20, 3)).astype(np.float32)
    distances = ((features[:, None] - model.means) ** 2 / model.variances).sum(axis=2)
    joint = model.weights * np.exp(-0.5 * distances) / np.sqrt(model.variances.prod(axis=1))
    assert np.allclose(model.posteriors(features), joint / joint.sum(axis=1, keepdims=True))


def test_evidence_is_the_sum_over_frames(model: VoiceModel) -> None:
    features = np.random.default_rng(3).standard_normal((50, 3)).astype(np.float32)
    stretches = np.repeat(np.arange(5, dtype=np.intp), 10)
    evidence = model.evidence(features, stretches)
    whole = model.evidence(features, np.zeros(50, np.intp))
    assert np.allclose(evidence.occupancy.sum(axis=0), whole.occupancy[0])
    assert np.allclose(evidence.moved.sum(axis=0), whole.moved[0])
    posteriors = model.posteriors(features)
    residuals = posteriors.T @ features - posteriors.sum(axis=0)[:, None] * model.means
    expected = np.einsum("gfd,gf,gf->d", model.directions, 1 / model.variances, residuals)
    assert np.allclose(whole.moved[0], expected, atol=1e-4)


def test_a_model_is_read_as_it_was_written(model: VoiceModel, tmp_path: Path) -> None:
    model.save(tmp_path / "voices.npz")
    read = load(tmp_path / "voices.npz")
    assert np.allclose(read.means, model.means)
    assert np.allclose(read.directions, model.directions, atol=2e-3)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_the_bundled_models_fit_the_features(rate_hz: int) -> None:
    bundled = voice_model(rate_hz)
    assert bundled.means.shape[1] == 2 * CEPSTRA
    assert bundled.weights.sum() == pytest.approx(1.0, abs=1e-4)
    assert (bundled.variances > 0).all()
    assert bundled.precisions.shape[1] == bundled.directions.shape[2]
