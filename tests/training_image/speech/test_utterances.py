"""Utterances: samples that come back from disk."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from training_image.speech.utterances import Utterance


def _utterance(path: Path, *, offset_frames: int, frames: int) -> Utterance:
    return Utterance("call", "a/b.wav", 1.5, 1.5 + frames / 8000, path, 8000, offset_frames, frames)


def test_samples_are_read_from_their_place(tmp_path: Path) -> None:
    path = tmp_path / "0.pcm"
    np.array([0, 16384, -32768, 32767], dtype="<i2").tofile(path)
    utterance: Utterance = pickle.loads(pickle.dumps(_utterance(path, offset_frames=1, frames=2)))
    samples = utterance.samples()
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, [0.5, -1.0])
    assert utterance.duration_s == 2 / 8000


def test_a_scratch_file_that_was_cut_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "0.pcm"
    np.zeros(4, dtype="<i2").tofile(path)
    with pytest.raises(OSError, match="too short"):
        _utterance(path, offset_frames=2, frames=3).samples()
