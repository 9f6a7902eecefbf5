from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.whisper.decoding.alignment import aligned_words, in_order
from chalicelib.engines.whisper.decoding.network import Encoded, Network
from chalicelib.engines.whisper.mel import SHORT, log_mel, windowed
from tests.engines.whisper.speech import RATE_HZ, SENTENCE, WORDS, speech

_TIMES = st.floats(-5, 40, allow_nan=False)


@given(st.lists(st.tuples(_TIMES, _TIMES), max_size=30), st.floats(0.1, 30))
def test_spans_are_in_order_within_speech_and_never_empty(
    spans: list[tuple[float, float]], end_s: float
) -> None:
    ordered = in_order(np.array(spans).reshape(-1, 2), end_s)
    edges = ordered.ravel()
    assert ordered.shape == (len(spans), 2)
    assert (edges >= 0).all()
    assert (edges <= end_s + 1e-9).all()
    assert (np.diff(edges) >= -1e-9).all()
    assert (ordered[:, 1] > ordered[:, 0]).all()


def encoded(network: Network, samples: np.ndarray) -> Encoded:
    mel = log_mel(samples)
    return network.encode([windowed(mel, SHORT)], [mel.shape[1]])


def test_the_first_word_after_silence_does_not_come_early(network: Network) -> None:
    samples = np.concatenate([np.zeros(2 * RATE_HZ, np.float32), speech(SENTENCE)])
    found = aligned_words(network, encoded(network, samples), WORDS.split(), samples)
    assert found.spans[0, 0] >= 2.1
    assert len(found.log_probabilities) == len(WORDS.split())


@pytest.mark.parametrize("text", [[], [50257], [50256], [-1], [100] * 447])
def test_what_would_end_the_process_is_refused(network: Network, text: list[int]) -> None:
    with pytest.raises(ValueError, match="cannot be aligned"):
        network.align(encoded(network, speech(SENTENCE)), [text])


@pytest.mark.parametrize("samples", [160, 320, 1600])
def test_the_shortest_sounds_can_be_aligned(network: Network, samples: int) -> None:
    sound = speech(SENTENCE)[RATE_HZ : RATE_HZ + samples]
    found = aligned_words(network, encoded(network, sound), ["yes", "no"], sound)
    assert (found.spans[:, 1] > found.spans[:, 0]).all()
    assert found.spans[-1, 1] <= samples / RATE_HZ + 1e-9
