"""What eight bits leave out: with it, changes are merged as they are into the weights themselves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.model.low_rank import Change, Delta, NotForThisBase, merged
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile, quantised
from chalicelib.engines.whisper.model.remainders import change_in_eight_bits, remainders, restored
from tests.engines.whisper.model.test_low_rank import BASE, STACKED, changes, taught
from tests.engines.whisper.networks import random_network

FINEST = 1 / 30
"""Of a step in eight bits: half the width in which remainders are kept."""


def _eight_bits(model: ModelFile) -> tuple[Arrays, Arrays]:
    """Return a network in eight bits, writable, and its remainders."""
    made = quantised(model)
    return {name: array.copy() for name, array in made.arrays.items()}, remainders(model, made)


def _changed(model: ModelFile, *shares: tuple[float, Delta]) -> Arrays:
    arrays, beside = _eight_bits(model)
    change_in_eight_bits(arrays, beside, [(alpha, one) for alpha, delta in shares for one in delta.changes])
    return arrays


@pytest.mark.parametrize("width", [7, 8])
def test_weights_come_back_to_a_thirtieth_of_a_step(width: int) -> None:
    model = random_network(width)
    arrays, beside = _eight_bits(model)
    assert beside.keys() == {STACKED}, "neither convolutions nor embeddings"
    found = restored(arrays[STACKED], arrays[f"{STACKED}_scale"], beside[STACKED])
    apart = np.abs(found - model.arrays[STACKED]) * arrays[f"{STACKED}_scale"][:, None]
    assert apart.max() <= FINEST + 1e-4
    assert beside[STACKED].nbytes == -(-found.size // 2)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), min_size=1, max_size=3))
def test_shares_of_changes_are_merged_as_their_sum_is(shares: list[tuple[float, int]]) -> None:
    whole = base = random_network(width=16)
    deltas = [(alpha, _delta(seed)) for alpha, seed in shares]
    for alpha, delta in deltas:
        whole = merged(whole, delta, BASE, alpha)
    expected, found = quantised(whole).arrays, _changed(base, *deltas)
    steps = np.abs(found[STACKED].astype(int) - expected[STACKED])
    assert steps.max() <= 1
    assert (steps > 0).mean() < 0.1, "one in thirty lies so near to the edge of its step"
    np.testing.assert_allclose(found[f"{STACKED}_scale"], expected[f"{STACKED}_scale"], rtol=1e-3)


def _delta(seed: int) -> Delta:
    return dataclasses.replace(taught(seed), changes=changes(seed, width=16))


def test_a_change_far_below_a_step_is_not_lost() -> None:
    base = random_network(width=64)
    arrays, beside = _eight_bits(base)
    step = 1 / float(arrays[f"{STACKED}_scale"][0])
    before = restored(arrays[STACKED], arrays[f"{STACKED}_scale"], beside[STACKED])[:64].mean()
    small = Change(STACKED, 0, np.full((1, 64), 0.2 * step, np.float32), np.ones((64, 1), np.float32))
    change_in_eight_bits(arrays, beside, [(1.0, small)])
    after = (arrays[STACKED] / arrays[f"{STACKED}_scale"][:, None])[:64].mean()
    assert after - before == pytest.approx(0.2 * step, rel=0.25)


def test_rows_that_no_change_names_stay_bit_for_bit() -> None:
    base = random_network()
    before, _ = _eight_bits(base)
    after = _changed(base, (1.0, taught()))
    assert np.array_equal(after[STACKED][8:16], before[STACKED][8:16])
    assert np.array_equal(after[f"{STACKED}_scale"][8:16], before[f"{STACKED}_scale"][8:16])
    for name, array in before.items():
        assert name.startswith(STACKED) or np.array_equal(after[name], array)


@pytest.mark.parametrize(
    ("weights", "first_row", "width", "reason"),
    [
        ("decoder/embeddings/weight", 0, 8, "no decoder/embeddings/weight to be changed"),
        ("encoder/layer_9/ffn/linear_0/weight", 0, 8, "no encoder/layer_9"),
        (STACKED, 17, 8, r"\(8, 8\) from row 17 on is not within \(24, 8\)"),
        (STACKED, 0, 6, r"\(8, 6\) from row 0 on"),
    ],
)
def test_changes_that_do_not_fit_are_refused(weights: str, first_row: int, width: int, reason: str) -> None:
    arrays, beside = _eight_bits(random_network())
    change = Change(weights, first_row, np.zeros((2, width), np.float16), np.zeros((8, 2), np.float16))
    with pytest.raises(NotForThisBase, match=reason):
        change_in_eight_bits(arrays, beside, [(1.0, change)])
