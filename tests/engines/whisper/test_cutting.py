from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.engines.whisper.cutting import LONGEST_SAMPLES, cut, first_cut


def sound(seconds: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)


def test_speech_that_fits_is_not_cut() -> None:
    assert cut(sound(28.0)) == [(0, 448_000)]


def test_a_pause_is_found() -> None:
    samples = sound(40.0)
    samples[20 * 16_000 : 20 * 16_000 + 6_400] *= 0.01
    [(_, end), _] = cut(samples)
    assert 20 * 16_000 < end < 20 * 16_000 + 6_400


@settings(max_examples=20)
@given(st.floats(0.0, 100.0))
def test_pieces_adjoin_and_fit(seconds: float) -> None:
    samples = sound(seconds)
    pieces = cut(samples)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == len(samples)
    assert all(first[1] == second[0] for first, second in itertools.pairwise(pieces))
    assert all(end - start <= LONGEST_SAMPLES for start, end in pieces)


def test_what_comes_later_does_not_move_a_cut() -> None:
    samples = sound(60.0)
    assert first_cut(samples) == first_cut(samples[: LONGEST_SAMPLES + 1])
