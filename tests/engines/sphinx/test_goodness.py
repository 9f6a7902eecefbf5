"""How well sounds fit words, on a telephone prompt."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from chalicelib.engines.sphinx.acoustics.acoustic_model import load_base
from chalicelib.engines.sphinx.acoustics.features import Array
from chalicelib.engines.sphinx.goodness import Goodness, SpokenWord
from chalicelib.engines.sphinx.grammar_evidence import GrammarEvidence
from infra.local.demo.prompts import Prompt

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"


@pytest.fixture(scope="module")
def goodness() -> Goodness:
    return Goodness(load_base(NARROWBAND).model)


@pytest.fixture(scope="module")
def seven(prompt_named: dict[str, Prompt]) -> Array:
    samples, _ = soundfile.read(prompt_named["digits/7"].path, dtype="float32")
    return load_base(NARROWBAND).cepstra(samples)


def _judged(
    goodness: Goodness, cepstra: Array, phones: str, frames: slice = slice(0, None)
) -> GrammarEvidence:
    first, stop, _ = frames.indices(len(cepstra))
    found = goodness.evidence(cepstra, [SpokenWord(tuple(phones.split()), first, stop - 1)])
    assert found is not None
    return found


def test_what_was_said_fits_better_than_other_words(goodness: Goodness, seven: Array) -> None:
    said = _judged(goodness, seven, "S EH V AH N").goodness
    for other in ("EH L EH V AH N", "N AY N", "HH AH L OW", "S IH K S"):
        assert _judged(goodness, seven, other).goodness < said - 1


def test_a_word_in_half_of_the_speech_covers_less(goodness: Goodness, seven: Array) -> None:
    whole = _judged(goodness, seven, "S EH V AH N")
    half = _judged(goodness, seven, "S EH V AH N", slice(0, len(seven) // 2))
    assert whole.coverage == pytest.approx(1)
    assert 0.1 < half.coverage < 0.9
    assert half.length < whole.length


def test_more_phones_than_frames_are_judged_all_the_same(goodness: Goodness, seven: Array) -> None:
    found = _judged(goodness, seven, "S EH V AH N", slice(20, 24))
    assert np.isfinite([found.goodness, found.coverage, found.length]).all()


def test_without_words_or_frames_nothing_speaks_for_anything(goodness: Goodness, seven: Array) -> None:
    assert goodness.evidence(seven, []) is None
    assert goodness.evidence(seven[:0], [SpokenWord(("S",), 0, 0)]) is None
