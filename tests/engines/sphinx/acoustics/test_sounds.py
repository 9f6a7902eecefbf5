"""Scores of frames by the Gaussians of a model."""

from __future__ import annotations

import numpy as np
import pytest

from chalicelib.engines.sphinx.acoustics.acoustic_model import BUNDLED, bundled_model
from chalicelib.engines.sphinx.acoustics.features import with_differences
from chalicelib.engines.sphinx.acoustics.sounds import Sounds
from chalicelib.engines.sphinx.acoustics.triphones import read_triphones

OWNERS = read_triphones(BUNDLED / "mdef").owners


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    return Sounds(bundled_model(), OWNERS)


def _cepstra(frames: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(3).normal(0, 5, (frames, 13))


def test_a_senone_is_scored_as_its_mixtures_define(sounds: Sounds) -> None:
    model, cepstra, senones = bundled_model(), _cepstra(4), [4, 700, 5125]
    _, scores = sounds.scores(cepstra, senones)
    streams = with_differences(cepstra).astype(np.float64).reshape(4, 3, 1, 13)
    for column, senone in enumerate(senones):
        means, variances = model.means[OWNERS[senone]], model.variances[OWNERS[senone]]
        densities = -0.5 * ((streams - means) ** 2 / variances + np.log(variances)).sum(axis=-1)
        mixtures = np.logaddexp.reduce(densities + np.log(np.maximum(model.weights[senone], 1e-7)), axis=-1)
        np.testing.assert_allclose(scores[:, column], mixtures.sum(axis=1), rtol=1e-4, atol=1e-2)


def test_a_phone_is_as_likely_as_its_likeliest_senone(sounds: Sounds) -> None:
    phone = 17
    phones, scores = sounds.scores(
        _cepstra(5), [one for one, owner in enumerate(OWNERS.tolist()) if owner == phone]
    )
    np.testing.assert_allclose(phones[:, phone], scores.max(axis=1))


def test_frames_are_scored_alike_however_many_there_are(sounds: Sounds) -> None:
    cepstra = _cepstra(600)
    whole, _ = sounds.scores(cepstra, [])
    assert whole.shape == (600, 42)
    end, _ = sounds.scores(cepstra[500:], [])
    np.testing.assert_allclose(whole[510:], end[10:], rtol=1e-4, atol=1e-2)
