"""The files of an acoustic model: what is written is read, and damage is said."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.engines.sphinx.acoustics.acoustic_model import BUNDLED, bundled_model
from chalicelib.engines.sphinx.acoustics.model_files import (
    ModelFileUnreadable,
    read_gaussians,
    read_mixture_weights,
    read_phones,
    write_gaussians,
    write_mixture_weights,
)

SHAPES = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(1, 5), st.integers(1, 13))


@given(SHAPES, st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_gaussians_survive_their_file(shape: tuple[int, int, int, int], seed: int) -> None:
    gaussians = np.random.default_rng(seed).normal(0, 50, shape).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        write_gaussians(Path(folder) / "means", gaussians)
        assert np.array_equal(read_gaussians(Path(folder) / "means"), gaussians)


@pytest.mark.parametrize("name", ["means", "variances"])
def test_the_bundled_gaussians_are_written_bit_for_bit(name: str, tmp_path: Path) -> None:
    bundled = read_gaussians(BUNDLED / name)
    write_gaussians(tmp_path / name, bundled)
    assert bundled.shape == (42, 3, 128, 13)
    assert np.array_equal(read_gaussians(tmp_path / name), bundled)
    values = 4 * bundled.size
    content, written = ((folder / name).read_bytes() for folder in (BUNDLED, tmp_path))
    assert content[-values - 4 : -4] == written[-values:]  # the bundled files end with a sum of four bytes


@given(st.integers(0, 2000), st.integers(0, 255))
@settings(max_examples=50, deadline=None)
def test_a_cut_or_changed_file_is_read_or_refused(kept: int, byte: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "means"
        write_gaussians(path, np.ones((2, 3, 4, 13)))
        content = bytearray(path.read_bytes()[:kept])
        content[len(content) // 2 : len(content) // 2 + 1] = bytes([byte])
        path.write_bytes(content)
        try:
            assert read_gaussians(path).ndim == 4
        except ModelFileUnreadable as refused:
            assert "means" in str(refused)


def test_mixture_weights_sum_to_one() -> None:
    weights = bundled_model().weights
    assert weights.shape == (5126, 3, 128)
    np.testing.assert_allclose(weights.sum(axis=2), 1)
    with pytest.raises(ModelFileUnreadable, match="means"):
        read_mixture_weights(BUNDLED / "means", 3)


def test_the_bundled_mixture_weights_are_written_as_they_were_read(tmp_path: Path) -> None:
    weights = bundled_model().weights
    write_mixture_weights(tmp_path / "sendump", weights)
    content, written = ((folder / "sendump").read_bytes() for folder in (BUNDLED, tmp_path))
    assert content[-weights.size :] == written[-weights.size :]
    assert np.array_equal(read_mixture_weights(tmp_path / "sendump", 3), weights)


@given(st.integers(1, 4), st.integers(1, 3), st.integers(2, 6), st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_mixture_weights_survive_their_file(senones: int, streams: int, densities: int, seed: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(densities), (senones, streams))
    with tempfile.TemporaryDirectory() as folder:
        write_mixture_weights(Path(folder) / "sendump", weights)
        read = read_mixture_weights(Path(folder) / "sendump", streams)
    certain = weights > 1e-6
    np.testing.assert_allclose(read[certain], weights[certain], rtol=0.11)  # a unit is a factor of 1.108
    assert (read[~certain] < 2e-6).all()


def test_phones_are_those_of_the_codebooks() -> None:
    phones = read_phones(BUNDLED / "mdef")
    assert len(phones) == 42
    assert {"SIL", "AA", "ZH"} <= set(phones)
    assert phones == tuple(sorted(phones))
