"""The decoder's binary trigram models: what is written gives the decoder the same probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pocketsphinx
import pytest
from hypothesis import HealthCheck, given, settings

from chalicelib.engines.sphinx.acoustics.model_files import ModelFileUnreadable
from chalicelib.engines.sphinx.dictionary import bundled_language_folder
from chalicelib.engines.sphinx.trie import read_trie, read_unigrams, trie_content
from chalicelib.language.ngram_models.estimation import estimate, numbered
from chalicelib.language.ngram_models.interpolation import interpolated
from chalicelib.language.ngram_models.ngrams import NGrams, triple_keys
from tests.language.models import SENTENCES, assert_same


def _assert_decoder_agrees(
    path: Path, model: NGrams, triples: np.ndarray[tuple[int, int], np.dtype[np.int64]]
) -> None:
    logmath = pocketsphinx.LogMath()
    decoders = pocketsphinx.NGramModel(pocketsphinx.Config(), logmath, str(path))
    for one, two, three in triples:
        expected = model.chances_of_triples(triple_keys(*(np.array([word]) for word in (one, two, three))))[0]
        if expected > 0:
            # The decoder wants the predicted word first, then the history, latest first.
            heard = logmath.log_to_ln(decoders.prob([model.words[word] for word in (three, two, one)]))
            assert abs(heard - np.log(expected)) < 5e-3


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(SENTENCES)
def test_what_was_written_is_read_by_us_and_by_the_decoder(
    tmp_path: Path, sentences: list[list[str]]
) -> None:
    model = estimate(numbered(sentences))
    path = tmp_path / "model.lm.bin"
    path.write_bytes(trie_content(model))
    assert_same(read_trie(path), model, 1e-3)
    every = np.stack(np.meshgrid(*[np.arange(len(model.words))] * 3), axis=-1).reshape(-1, 3)
    _assert_decoder_agrees(path, model, every)


def test_the_bundled_model_is_mixed_with_a_corpus(tmp_path: Path) -> None:
    base = read_trie(bundled_language_folder() / "en-us.lm.bin")
    unigrams = read_unigrams(bundled_language_folder() / "en-us.lm.bin")
    assert unigrams == dict(zip(base.words, base.chances.tolist(), strict=True))
    assert abs(base.chances.sum() - 1) < 1e-4
    text = "the red zorblatt runs\na red zorblatt sleeps\nthe zorblatt runs fast"
    mixed = interpolated(base, estimate(numbered(line.split() for line in text.splitlines())), 0.3)
    path = tmp_path / "mixed.lm.bin"
    path.write_bytes(trie_content(mixed))
    random = np.random.default_rng(4)
    held = mixed.triples[random.integers(0, len(mixed.triples), 200)]
    triples = np.stack([held >> 42, (held >> 21) & 0x1FFFFF, held & 0x1FFFFF], axis=1)
    zorblatt, runs, the = (mixed.numbers()[word] for word in ("zorblatt", "runs", "the"))
    more = np.concatenate([triples, random.integers(0, len(mixed.words), (200, 3)), [[the, zorblatt, runs]]])
    _assert_decoder_agrees(path, mixed, more)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.lm.bin"
    for content in (b"", b"Trie Language Model", b"Trie Language Model\x03\x01\x00"):
        path.write_bytes(content)
        with pytest.raises(ModelFileUnreadable):
            read_trie(path)
