"""A helper language model in training: it is decoded with, and transcripts in its corpora are learned from."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from chalicelib.engines.base_language import base_language
from chalicelib.engines.sphinx.acoustic_model import load_base
from chalicelib.engines.sphinx.decoder import Decoder
from chalicelib.language.training import train
from infra.local.prompts import Prompt
from training_image.sphinx.shards import Decoded, Start, decode_shard
from training_image.utterances import Utterance

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"


@pytest.fixture(scope="module")
def prompts(prompts: list[Prompt]) -> list[Prompt]:
    return [prompt for prompt in prompts if 5 <= len(prompt.text.split()) <= 9][:3]


def _utterance(prompt: Prompt, folder: Path) -> Utterance:
    samples, rate_hz = soundfile.read(prompt.path, dtype="int16")
    path = folder / f"{prompt.name.replace('/', '-')}.pcm"
    path.write_bytes(samples.astype("<i2").tobytes())
    return Utterance(prompt.name, None, 0.0, prompt.duration_s, path, rate_hz, 0, len(samples))


def test_transcripts_in_the_corpora_are_learned_from(prompts: list[Prompt], tmp_path: Path) -> None:
    helper = tmp_path / "language-model.tar.gz"
    corpus = "\n".join(prompt.text for prompt in prompts[:2]).encode()
    train([io.BytesIO(corpus)], [], {}, base=base_language(NARROWBAND), target=helper, weight=0.8)
    utterances = [_utterance(prompt, tmp_path) for prompt in prompts]
    alone = Decoded.from_arrays(decode_shard(Start(NARROWBAND), None, utterances))
    helped = Decoded.from_arrays(decode_shard(Start(NARROWBAND, language_model=helper), None, utterances))
    assert not alone.transcribed.any()
    assert helped.transcribed.tolist() == [True, True, False]
    known = np.repeat(helped.transcribed, helped.frames)
    assert (helped.confidences[known] == 1).all()
    assert (helped.senones[known] >= 0).mean() > 0.95


def test_a_text_that_cannot_be_aligned_is_given_up(prompts: list[Prompt], tmp_path: Path) -> None:
    base = load_base(NARROWBAND)
    decoder = Decoder(base.model)
    cepstra = base.cepstra(_utterance(prompts[0], tmp_path).samples())
    assert decoder.align_text(cepstra, ["quuxzorblatt"]) is None
    assert decoder.align_text(cepstra[:20], prompts[0].text.split() * 4) is None
    before = decoder.decode(cepstra)
    known = decoder.align_text(cepstra, prompts[0].text.split())
    assert known is not None
    assert (known.senones >= 0).mean() > 0.95
    assert decoder.decode(cepstra) == before
