"""The bands above 4 kHz, estimated."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from chalicelib.engines.sphinx.acoustics.acoustic_model import load_base
from chalicelib.engines.sphinx.acoustics.bandwidth import (
    BandwidthExtension,
    read_extension,
    save_extension,
    with_neighbours,
)
from chalicelib.engines.sphinx.acoustics.features import MEL_BANDS, NARROW_BANDS, log_mel
from tests.engines.sphinx.signals import babble


def _random_extension(hidden: int) -> BandwidthExtension:
    random = np.random.default_rng(1)
    widths = [3 * NARROW_BANDS, *([hidden] if hidden else []), MEL_BANDS - NARROW_BANDS]
    shapes = list(itertools.pairwise(widths))
    return BandwidthExtension(
        context=1,
        matrices=tuple(
            random.normal(0, 0.1, shape).astype(np.float16).astype(np.float32) for shape in shapes
        ),
        biases=tuple(np.zeros(width, np.float32) for _, width in shapes),
    )


@pytest.mark.parametrize("hidden", [0, 8])
def test_an_extension_survives_its_file(hidden: int, tmp_path: Path) -> None:
    extension = _random_extension(hidden)
    save_extension(tmp_path / "extension.npz", extension)
    narrow = log_mel(babble(1, 8_000), 8_000)
    again = read_extension(tmp_path / "extension.npz")
    assert np.array_equal(again.extended(narrow), extension.extended(narrow))


def test_what_is_there_stays_and_the_level_does_not_matter() -> None:
    extension = _random_extension(0)
    narrow = log_mel(babble(1, 8_000), 8_000)
    whole, louder = extension.extended(narrow), extension.extended(narrow + 2)
    assert whole.shape == (len(narrow), MEL_BANDS)
    assert np.array_equal(whole[:, :NARROW_BANDS], narrow)
    np.testing.assert_allclose(louder, whole + 2, atol=1e-4)


def test_neighbours_stand_in_the_order_of_time() -> None:
    seen = with_neighbours(np.array([[0.0], [1.0], [5.0]]), 1)
    assert seen.tolist() == [[-2, -2, -1], [-2, -1, 3], [-1, 3, 3]]


def test_no_frames_stay_no_frames() -> None:
    assert _random_extension(8).extended(np.empty((0, NARROW_BANDS))).shape == (0, MEL_BANDS)


def test_the_narrowband_base_estimates_the_upper_bands_of_a_hiss_in_the_lower_ones() -> None:
    extension = load_base("en-US_NarrowbandModel.v2019-06-24").extension
    assert extension is not None
    random = np.random.default_rng(2)
    bursts = (np.arange(24_000) // 4_000 % 2).astype(np.float32)
    hiss = np.diff(random.standard_normal(24_001)).astype(np.float32) * (0.001 + 0.05 * bursts)
    upper = extension.extended(log_mel(hiss, 8_000))[:, NARROW_BANDS:].mean(axis=1)
    loud = bursts[:: 24_000 // len(upper)][: len(upper)] > 0
    assert upper[loud].mean() > upper[~loud].mean() + 1
