"""A helper language model in training: it is decoded with, and transcripts in its corpora are learned from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from chalicelib.engines.base_language import base_language
from chalicelib.engines.sphinx.acoustics.acoustic_model import load_base
from chalicelib.engines.sphinx.decoder import SphinxDecoder
from chalicelib.language.training import train
from infra.local.demo.prompts import Prompt
from training_image.adaptation import Assignment
from training_image.arrays import read_npz
from training_image.checkpoint import Checkpoint
from training_image.container.machine import Machine
from training_image.speech.utterances import Utterance
from training_image.sphinx.adaptation import adapt
from training_image.sphinx.shards import DecodedShard, Start, decode_shard, weigh_shard

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"


@pytest.fixture(scope="module")
def speech(prompts: list[Prompt]) -> list[Prompt]:
    return [prompt for prompt in prompts if 5 <= len(prompt.text.split()) <= 9][:26]


@pytest.fixture(scope="module")
def few(speech: list[Prompt]) -> list[Prompt]:
    return speech[:3]


def _utterance(prompt: Prompt, folder: Path) -> Utterance:
    samples, rate_hz = soundfile.read(prompt.path, dtype="int16")
    path = folder / f"{prompt.name.replace('/', '-')}.pcm"
    path.write_bytes(samples.astype("<i2").tobytes())
    return Utterance(prompt.name, None, 0.0, prompt.duration_s, path, rate_hz, 0, len(samples))


def _helper(texts: list[str], folder: Path) -> Path:
    path = folder / "language-model.tar.gz"
    corpus = "\n".join(texts).encode()
    train([io.BytesIO(corpus)], [], {}, base=base_language(NARROWBAND), target=path, weight=0.8)
    return path


def test_transcripts_in_the_corpora_are_learned_from(few: list[Prompt], tmp_path: Path) -> None:
    helper = _helper([prompt.text for prompt in few[:2]], tmp_path)
    utterances = [_utterance(prompt, tmp_path) for prompt in few]
    alone = DecodedShard.from_arrays(decode_shard(Start(NARROWBAND), None, utterances))
    helped = DecodedShard.from_arrays(
        decode_shard(Start(NARROWBAND, language_model=helper), None, utterances)
    )
    assert not alone.transcribed.any()
    assert helped.transcribed.tolist() == [True, True, False]
    known = np.repeat(helped.transcribed, helped.frames)
    assert (helped.confidences[known] == 1).all()
    assert (helped.senones[known] >= 0).mean() > 0.95


def test_mixture_weights_learn_from_transcripts_alone(few: list[Prompt], tmp_path: Path) -> None:
    start = Start(NARROWBAND, language_model=_helper([few[0].text], tmp_path))
    utterances = [_utterance(prompt, tmp_path) for prompt in few[:2]]
    decoded = decode_shard(start, None, utterances)
    known, unknown = (decode_shard(start, None, [each]) for each in utterances)
    assert DecodedShard.from_arrays(decoded).transcribed.tolist() == [True, False]
    assert len(weigh_shard(start, None, utterances[1:], unknown).senones) == 0
    learned, expected = (
        weigh_shard(start, None, *shard) for shard in ((utterances, decoded), (utterances[:1], known))
    )
    assert np.array_equal(learned.senones, expected.senones)
    np.testing.assert_allclose(learned.frames, expected.frames, rtol=1e-3, atol=1e-4)
    frames = int((DecodedShard.from_arrays(known).senones >= 0).sum())
    np.testing.assert_allclose(learned.frames.sum(axis=(0, 2)), [frames] * 3, rtol=1e-3)


@pytest.mark.slow
def test_a_helped_adaptation_changes_mixture_weights(speech: list[Prompt], tmp_path: Path) -> None:
    assignment = Assignment(
        [_utterance(prompt, tmp_path) for prompt in speech[:20]],
        [_utterance(prompt, tmp_path) for prompt in speech[20:]],
        base_version=NARROWBAND,
        machine=Machine(cores=2),
        checkpoint=Checkpoint(tmp_path / "checkpoints", "owner"),
        report_progress=lambda *_: None,
        language_model=_helper([prompt.text for prompt in speech[:20]], tmp_path),
    )
    result = adapt(assignment)
    assert result.decision == "adapted"
    assert result.transcribed_s > 0.5 * sum(prompt.duration_s for prompt in speech[:20])
    arrays = read_npz(io.BytesIO(result.files["adapted.npz"]))
    assert set(arrays) == {"means", "weights"}
    np.testing.assert_allclose(arrays["weights"].sum(axis=2), 1, rtol=1e-4)
    assert not np.array_equal(arrays["weights"], load_base(NARROWBAND).model.weights)


def test_a_text_that_cannot_be_aligned_is_given_up(few: list[Prompt], tmp_path: Path) -> None:
    base = load_base(NARROWBAND)
    decoder = SphinxDecoder(base.model)
    cepstra = base.cepstra(_utterance(few[0], tmp_path).samples())
    assert decoder.align_text(cepstra, ["quuxzorblatt"]) is None
    assert decoder.align_text(cepstra[:20], few[0].text.split() * 4) is None
    before = decoder.decode(cepstra)
    known = decoder.align_text(cepstra, few[0].text.split())
    assert known is not None
    assert (known.senones >= 0).mean() > 0.95
    assert decoder.decode(cepstra) == before
