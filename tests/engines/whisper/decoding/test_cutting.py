from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.engines.whisper.decoding.cutting import cut, first_cut, most_samples
from chalicelib.engines.whisper.mel import WHOLE, Window
from chalicelib.engines.whisper.model.short_window import WINDOW


def sound(seconds: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, round(16_000 * seconds)).astype(np.float32)


WINDOWS = pytest.mark.parametrize("window", [WHOLE, WINDOW])


@pytest.mark.parametrize(("window", "most_s"), [(WHOLE, 28), (WINDOW, 20)])
def test_speech_that_fits_is_not_cut(window: Window, most_s: int) -> None:
    assert cut(sound(most_s), window) == [(0, most_s * 16_000)]
    assert len(cut(sound(most_s + 1), window)) == 2


def test_a_pause_is_found() -> None:
    samples = sound(40.0)
    samples[20 * 16_000 : 20 * 16_000 + 6_400] *= 0.01
    [(_, end), _] = cut(samples, WHOLE)
    assert 20 * 16_000 < end < 20 * 16_000 + 6_400


@settings(max_examples=20)
@given(st.floats(0.0, 100.0), st.sampled_from([WHOLE, WINDOW]))
def test_pieces_adjoin_and_fit(seconds: float, window: Window) -> None:
    samples = sound(seconds)
    pieces = cut(samples, window)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == len(samples)
    assert all(first[1] == second[0] for first, second in itertools.pairwise(pieces))
    assert all(end - start <= most_samples(window) for start, end in pieces)
    assert all(end - start >= most_samples(window) // 2 for start, end in pieces[:-1])


@WINDOWS
def test_what_comes_later_does_not_move_a_cut(window: Window) -> None:
    samples = sound(60.0)
    assert first_cut(samples, window) == first_cut(samples[: most_samples(window) + 1], window)
