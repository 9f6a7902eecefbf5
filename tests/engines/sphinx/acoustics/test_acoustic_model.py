"""What the channel of an utterance is, and that it does not matter in how many pieces it is removed."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.engines.sphinx.acoustics.acoustic_model import CHANNEL_FRAMES, load_base
from chalicelib.engines.sphinx.acoustics.features import CEPSTRA, Array, cepstra, log_mel
from tests.engines.sphinx.signals import babble

BROADBAND = load_base("en-US_BroadbandModel.v2020-01-16")


def _spectrum(frames: int) -> Array:
    return np.random.default_rng(frames).normal(3, 4, (frames, 25))


def test_frames_of_energy_have_no_mean() -> None:
    sound = babble(2, 16_000)
    energetic = cepstra(log_mel(sound, 16_000))[:, 0] >= 0
    np.testing.assert_allclose(BROADBAND.cepstra(sound)[energetic].mean(axis=0), 0, atol=1e-9)


def test_the_level_does_not_matter() -> None:
    spectrum = np.abs(_spectrum(100)) + 1
    louder, plain = (
        BROADBAND.channel(heard).removed(cepstra(heard))[0] for heard in (spectrum + 2, spectrum)
    )
    np.testing.assert_allclose(louder, plain, atol=1e-9)


def test_the_mean_follows_a_long_utterance() -> None:
    spectrum = np.abs(_spectrum(3 * CHANNEL_FRAMES)) + 1
    spectrum[CHANNEL_FRAMES:] += 2
    raw = cepstra(spectrum)
    left, after = BROADBAND.channel(spectrum).removed(raw)
    np.testing.assert_allclose(
        left[:CHANNEL_FRAMES], (raw - raw[:CHANNEL_FRAMES].mean(axis=0))[:CHANNEL_FRAMES]
    )
    np.testing.assert_allclose(left[-1], raw[-1] - raw.mean(axis=0))
    assert (after.energetic, after.held) == (len(raw), 0)


def test_silence_has_no_channel() -> None:
    left = BROADBAND.cepstra(np.zeros(16_000, np.float32))
    assert left.shape[1] == CEPSTRA
    assert np.isfinite(left).all()


@given(
    frames=st.integers(0, 2 * CHANNEL_FRAMES), cuts=st.lists(st.integers(0, 2 * CHANNEL_FRAMES), max_size=5)
)
@settings(max_examples=40, deadline=None)
def test_pieces_are_normalised_as_the_whole(frames: int, cuts: list[int]) -> None:
    spectrum = _spectrum(frames)
    channel = BROADBAND.channel(spectrum)
    whole, last = channel.removed(cepstra(spectrum))
    pieces = []
    for piece in np.split(cepstra(spectrum), sorted(min(cut, frames) for cut in cuts)):
        left, channel = channel.removed(piece)
        pieces.append(left)
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-9)
    assert (channel.energetic, channel.held) == (last.energetic, last.held)
