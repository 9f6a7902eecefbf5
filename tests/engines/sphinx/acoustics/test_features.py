"""The front end: what pocketsphinx computes, for any length, at both rates, without memory."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pocketsphinx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from chalicelib.engines.protocol import Samples
from chalicelib.engines.sphinx.acoustics.features import (
    CEPSTRA,
    MEL_BANDS,
    NARROW_BANDS,
    LogMelStream,
    cepstra,
    log_mel,
    with_differences,
)
from tests.engines.sphinx.signals import babble


def _of_pocketsphinx(samples: Samples, folder: Path) -> NDArray[np.float32]:
    """Return the cepstra that the decoder's own front end logs, starting afresh."""
    phones = pocketsphinx.get_model_path("en-us/en-us-phone.lm.bin")
    decoder = pocketsphinx.Decoder(lm=None, allphone=phones, mfclogdir=str(folder), loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((samples * 32768).astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
    (logged,) = folder.glob("*.mfc")
    content = logged.read_bytes()
    (count,) = struct.unpack_from(">i", content)
    return np.frombuffer(content, ">f4", count, 4).reshape(-1, CEPSTRA).astype(np.float32)


@pytest.mark.parametrize("samples", [24_000, 24_123, 410, 1_000])
def test_cepstra_are_those_of_pocketsphinx(samples: int, tmp_path: Path) -> None:
    sound = (np.round(babble(2, 16_000)[:samples] * 32768) / 32768).astype(np.float32)
    expected = _of_pocketsphinx(sound, tmp_path)
    found = cepstra(log_mel(sound, 16_000))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=2e-4)


@given(count=st.integers(0, 3000), rate_hz=st.sampled_from([8_000, 16_000]), level=st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_any_length_and_level_gives_finite_features(count: int, rate_hz: int, level: float) -> None:
    sound = (level * np.random.default_rng(count).uniform(-1, 1, count)).astype(np.float32)
    spectrum = log_mel(sound, rate_hz)
    assert spectrum.shape == (len(spectrum), MEL_BANDS if rate_hz == 16_000 else NARROW_BANDS)
    hops = count * 100 / rate_hz
    assert min(count, 1) <= len(spectrum) <= hops + 1
    assert len(spectrum) >= hops - 2.6
    assert np.isfinite(spectrum).all()


def test_both_rates_agree_below_four_kilohertz() -> None:
    time_s = np.arange(32_000) / 16_000
    sound = sum(np.sin(2 * np.pi * hz * time_s + hz) for hz in range(150, 3500, 90)) / 100
    wide = log_mel(np.asarray(sound, np.float32), 16_000, remove_noise=False)
    narrow = log_mel(np.asarray(sound, np.float32)[::2], 8_000, remove_noise=False)
    frames = slice(5, 150)
    assert np.abs(wide[frames, : NARROW_BANDS - 1] - narrow[frames, : NARROW_BANDS - 1]).mean() < 0.1


def test_an_utterance_does_not_remember_another() -> None:
    first = log_mel(babble(1, 16_000), 16_000)
    log_mel(np.ones(16_000, np.float32), 16_000)
    assert np.array_equal(first, log_mel(babble(1, 16_000), 16_000))


def test_differences_of_a_ramp_are_its_slope() -> None:
    ramp = np.arange(20.0)[:, None] * np.arange(1, CEPSTRA + 1)
    features = with_differences(ramp)
    assert features.shape == (20, 3 * CEPSTRA)
    np.testing.assert_allclose(
        features[5:15, CEPSTRA : 2 * CEPSTRA], np.tile(4.0 * np.arange(1, 14), (10, 1))
    )
    np.testing.assert_allclose(features[5:15, 2 * CEPSTRA :], 0)
    assert with_differences(ramp[:0]).shape == (0, 3 * CEPSTRA)


def test_another_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        log_mel(np.zeros(100, np.float32), 44_100)


@given(
    count=st.integers(0, 5000),
    cuts=st.lists(st.integers(0, 5000), max_size=6),
    rate_hz=st.sampled_from([8_000, 16_000]),
)
@settings(max_examples=50, deadline=None)
def test_the_spectrum_in_pieces_is_that_of_the_whole(count: int, cuts: list[int], rate_hz: int) -> None:
    sound = babble(1, 16_000)[:count]
    stream = LogMelStream(rate_hz)
    pieces = [stream.feed(piece) for piece in np.split(sound, sorted(min(cut, count) for cut in cuts))]
    seen = np.concatenate([*pieces, stream.finish()])
    np.testing.assert_allclose(seen, log_mel(sound, rate_hz), rtol=1e-9, atol=1e-9)
