"""The fit finds the directions in which voices differ."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from chalicelib.audio.speech.voice_features import CEPSTRA
from fitting import fit_voices
from tests.audio import signals


def test_a_model_is_fitted_to_speakers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_voices, "GAUSSIANS", 4)
    monkeypatch.setattr(fit_voices, "DIRECTIONS", 2)
    speakers = {
        str(number): [soxr.resample(signals.voice(3, 16_000), 16_000, 16_000 * scale).astype(np.float32)]
        for number, scale in enumerate((0.8, 1.0, 1.25))
    }
    model = fit_voices.fit(speakers, 8_000)
    assert model.directions.shape == (4, 2 * CEPSTRA, 2)
    assert model.weights.sum() == pytest.approx(1.0)
    assert np.isfinite(model.directions).all()
    assert np.abs(model.directions).max() > 0.1
