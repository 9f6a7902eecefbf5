"""What the worker processes do: shards keep every utterance, hypotheses survive a checkpoint."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.sphinx.acoustics.acoustic_model import load_base
from training_image.speech.utterances import Utterance
from training_image.sphinx.shards import (
    SHARD_S,
    DecodedShard,
    Start,
    decode_shard,
    save_model,
    shards,
    sum_shard,
)

BROADBAND = "en-US_BroadbandModel.v2018-07-31"


def utterance(path: Path, seconds: float, number: int = 0, rate_hz: int = 16_000) -> Utterance:
    frames = round(seconds * rate_hz)
    return Utterance("name", None, float(number), number + seconds, path, rate_hz, 0, frames)


@given(st.lists(st.floats(0.1, 20), max_size=60))
def test_shards_keep_every_utterance_in_order(durations_s: list[float]) -> None:
    utterances = [utterance(Path("pcm"), length_s, place) for place, length_s in enumerate(durations_s)]
    pieces = shards(utterances)
    assert [each for piece in pieces for each in piece] == utterances
    for piece in pieces:
        assert sum(each.duration_s for each in piece[:-1]) < SHARD_S
    for piece in pieces[:-1]:
        assert sum(each.duration_s for each in piece) >= SHARD_S


@given(st.lists(st.lists(st.sampled_from(["a", "it's", "naïve"]), max_size=4), min_size=1, max_size=5))
def test_hypotheses_survive_their_arrays(texts: list[list[str]]) -> None:
    frames = 3 * len(texts)
    decoded = DecodedShard(
        frames=np.full(len(texts), 3, np.int32),
        words=np.array([len(words) for words in texts], np.int32),
        posteriors=np.linspace(0, 1, sum(len(words) for words in texts), dtype=np.float32),
        texts=tuple(" ".join(words) for words in texts),
        senones=np.arange(frames, dtype=np.int16),
        codebooks=np.zeros(frames, np.int16),
        confidences=np.ones(frames, np.float16),
        transcribed=np.arange(len(texts)) % 2 == 0,
    )
    again = DecodedShard.from_arrays(decoded.arrays())
    assert again.texts == decoded.texts
    for name in ("frames", "words", "posteriors", "senones", "codebooks", "confidences", "transcribed"):
        assert np.array_equal(getattr(again, name), getattr(decoded, name))


@pytest.fixture
def silence(tmp_path: Path) -> Utterance:
    path = tmp_path / "scratch.pcm"
    path.write_bytes(bytes(2 * 16_000))
    return utterance(path, 1.0)


def test_silence_decodes_to_no_words_and_teaches_nothing_above_its_confidence(silence: Utterance) -> None:
    arrays = decode_shard(Start(BROADBAND), None, [silence, silence])
    decoded = DecodedShard.from_arrays(arrays)
    assert decoded.texts == ("", "")
    assert decoded.words.tolist() == [0, 0]
    assert decoded.frames.sum() == len(decoded.senones) == len(decoded.confidences)
    assert sum_shard(Start(BROADBAND), None, [silence, silence], arrays, 1.1).frames == 0


def test_a_saved_model_is_the_model_that_decodes(silence: Utterance, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    model = load_base(BROADBAND).model
    same = dataclasses.replace(model, variances=model.variances.copy(), weights=model.weights.copy())
    save_model(path, model, same)
    saved, base = (decode_shard(Start(BROADBAND), model, [silence]) for model in (path, None))
    assert all(np.array_equal(saved[name], base[name]) for name in base)


def test_audio_that_went_away_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="gone"):
        decode_shard(Start(BROADBAND), None, [utterance(tmp_path / "gone", 1.0)])
