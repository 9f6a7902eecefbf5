"""The light engine: real words with times and posteriors, always the same, adapted or not."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import (
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Engine,
    Hypothesis,
    Recognizer,
    Samples,
)
from chalicelib.engines.sphinx.acoustics.acoustic_model import load_base
from chalicelib.engines.sphinx.artefact import NOISE_SUPPRESSION, Arrays
from chalicelib.engines.sphinx.decoder import SphinxDecoder
from chalicelib.engines.sphinx.engine import SphinxEngine
from infra.local.demo.prompts import Prompt
from tests import adapted_models
from tests.engines.sphinx.signals import babble

NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"


@pytest.fixture(scope="module")
def recognizer() -> Recognizer:
    engine: Engine = SphinxEngine()
    return engine.load(NARROWBAND)


def _samples(prompt: Prompt) -> Samples:
    samples, _ = soundfile.read(prompt.path, dtype="float32")
    return np.asarray(samples, np.float32)


def _artefact(path: Path, arrays: Arrays | None, version: str = NARROWBAND) -> Path:
    return adapted_models.written(path, adapted_models.sphinx_model(version, arrays))


def _recognised(recognizer: Recognizer, prompt: Prompt, alternatives: int = 1) -> tuple[Hypothesis, ...]:
    return recognizer.recognize(_samples(prompt), DecodingOptions(alternatives)).hypotheses


def test_a_prompt_becomes_its_words_in_time(recognizer: Recognizer, prompt_named: dict[str, Prompt]) -> None:
    prompt = prompt_named["vm-goodbye"]
    (best,) = _recognised(recognizer, prompt)
    assert best.text == "good-bye"
    assert 0 <= best.words[0].start_s < best.words[-1].end_s <= prompt.duration_s + 0.1
    assert all(0 < word.posterior <= 1 for word in best.words)


def test_words_follow_each_other_without_markers_and_fillers(
    recognizer: Recognizer, prompt_named: dict[str, Prompt]
) -> None:
    (best,) = _recognised(recognizer, prompt_named["cannot-complete-as-dialed"])
    assert len(best.words) >= 5
    assert not set("()<>[]+") & set(best.text)
    assert all(first.end_s <= second.start_s + 1e-9 for first, second in itertools.pairwise(best.words))


def test_alternatives_differ_and_get_less_likely(
    recognizer: Recognizer, prompt_named: dict[str, Prompt]
) -> None:
    readings = _recognised(recognizer, prompt_named["cannot-complete-as-dialed"], alternatives=4)
    assert len(readings) == 4
    assert len({reading.text for reading in readings}) == 4
    posteriors = [reading.posterior for reading in readings]
    assert posteriors == sorted(posteriors, reverse=True)
    assert all(0 < posterior <= 1 for posterior in posteriors)
    for reading in readings:
        assert all(word.start_s <= word.end_s and 0 <= word.posterior <= 1 for word in reading.words)


def test_a_confusion_network_has_the_best_words_in_their_places(
    recognizer: Recognizer, prompt_named: dict[str, Prompt]
) -> None:
    decoded = recognizer.recognize(
        _samples(prompt_named["cannot-complete-as-dialed"]), DecodingOptions(word_alternatives=True)
    )
    slots = iter(decoded.slots)
    for word in decoded.hypotheses[0].words:
        slot = next(slot for slot in slots if slot.start_s == word.start_s)
        assert dict(slot.alternatives)[word.text] >= word.posterior - 0.01
    assert any(len(slot.alternatives) > 1 for slot in decoded.slots)


def test_a_keyword_is_heard_though_the_best_reading_has_another_word(
    recognizer: Recognizer, prompt_named: dict[str, Prompt]
) -> None:
    keywords = ("called", "cannot be completed", "hippopotamus", "zzyzzx")
    decoded = recognizer.recognize(
        _samples(prompt_named["cannot-complete-as-dialed"]), DecodingOptions(keywords=keywords)
    )
    called, phrase = decoded.keywords
    assert (called.keyword, phrase.keyword) == ("called", "cannot be completed")
    assert "called" not in decoded.hypotheses[0].text.split()
    assert 0.05 < called.posterior < 0.5 < phrase.posterior <= 1
    assert phrase.end_s - phrase.start_s > 0.8


def test_nothing_more_is_answered_than_was_asked_for(
    recognizer: Recognizer, prompt_named: dict[str, Prompt]
) -> None:
    decoded = recognizer.recognize(_samples(prompt_named["vm-goodbye"]))
    assert len(decoded.hypotheses) == 1
    assert decoded.slots == ()
    assert decoded.keywords == ()


def test_a_result_does_not_depend_on_what_was_heard_before(
    recognizer: Recognizer, prompt_named: dict[str, Prompt]
) -> None:
    first = _recognised(recognizer, prompt_named["vm-goodbye"], alternatives=3)
    _recognised(recognizer, prompt_named["cannot-complete-as-dialed"])
    recognizer.recognize(babble(2, 8_000))
    assert _recognised(recognizer, prompt_named["vm-goodbye"], alternatives=3) == first


@pytest.mark.parametrize("samples", [0, 1, 80, 800, 8_000])
def test_silence_of_any_length_says_nothing(recognizer: Recognizer, samples: int) -> None:
    assert recognizer.recognize(np.zeros(samples, np.float32), DecodingOptions(3)) == DecodedUtterance()


def test_rates_are_those_of_the_catalogue(recognizer: Recognizer) -> None:
    assert recognizer.sample_rate_hz == 8_000
    assert SphinxEngine().load("en-US_BroadbandModel.v2018-07-31").sample_rate_hz == 16_000


def test_an_adapted_model_recognises_otherwise(
    recognizer: Recognizer, prompt_named: dict[str, Prompt], tmp_path: Path
) -> None:
    base = load_base(NARROWBAND).model
    means, variances, weights = (
        each.astype(np.float32) for each in (base.means, base.variances, base.weights)
    )
    same = {"means": means, "variances": variances, "weights": weights}
    moved = {"means": means + 2}
    reweighed = {"means": means, "weights": np.roll(weights, 1, axis=2)}
    prompt = prompt_named["cannot-complete-as-dialed"]
    for arrays, equal in ((None, True), (same, True), (moved, False), (reweighed, False)):
        adapted = SphinxEngine().load(NARROWBAND, CustomModels(_artefact(tmp_path / "model.tar.gz", arrays)))
        assert (_recognised(adapted, prompt) == _recognised(recognizer, prompt)) is equal


def test_an_adapted_model_may_have_noise_taken_out_of_what_it_hears(
    prompt_named: dict[str, Prompt], tmp_path: Path
) -> None:
    means = load_base(NARROWBAND).model.means.astype(np.float32)
    arrays = {"means": means, NOISE_SUPPRESSION: np.ones(1, np.float32)}
    model = SphinxEngine().load(NARROWBAND, CustomModels(_artefact(tmp_path / "model.tar.gz", arrays)))
    noisy = _samples(prompt_named["cannot-complete-as-dialed"])
    noisy = noisy + np.random.default_rng(1).normal(0, 0.03 * noisy.std(), len(noisy)).astype(np.float32)
    heard = load_base(NARROWBAND, suppresses_noise=True).cepstra(noisy)
    found = SphinxDecoder(load_base(NARROWBAND).model).decode(heard)
    expected = [segment.word for segment in found if not segment.is_filler]
    assert [word.text for word in model.recognize(noisy).hypotheses[0].words] == expected
    assert not np.allclose(heard, load_base(NARROWBAND).cepstra(noisy))


MEANS = np.zeros((42, 3, 128, 13), np.float32)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"means": MEANS[:1]}, "do not fit"),
        ({"means": np.full((42, 3, 128, 13), np.nan, np.float32)}, "do not fit"),
        ({"means": MEANS, "weights": np.zeros((5, 3, 128), np.float32)}, "do not fit"),
        ({"weights": np.zeros(3, np.float32)}, "holds weights, not means"),
        ({}, "holds nothing"),
    ],
)
def test_arrays_of_another_model_are_refused(arrays: Arrays, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=reason):
        SphinxEngine().load(NARROWBAND, CustomModels(_artefact(tmp_path / "model.tar.gz", arrays)))


def test_an_unknown_version_is_no_model() -> None:
    with pytest.raises(KeyError):
        SphinxEngine().load("en-US_UltrabandModel.v1")


def test_an_alignment_covers_the_utterance_it_belongs_to(prompt_named: dict[str, Prompt]) -> None:
    base = load_base(NARROWBAND)
    decoder = SphinxDecoder(base.model)
    cepstra = base.cepstra(_samples(prompt_named["vm-goodbye"]))
    segments = decoder.decode(cepstra)
    alignment = decoder.align(cepstra)
    assert alignment is not None
    assert (alignment.senones >= 0).mean() > 0.95
    assert alignment.senones.max() < len(base.model.weights)
    assert set(alignment.codebooks[alignment.senones >= 0]) <= set(range(42))
    assert decoder.decode(cepstra) == segments


@pytest.mark.parametrize("name", ["conf-leaderhasleft", "confbridge-leave-out", "confbridge-lock-extended"])
def test_a_text_fits_what_was_spoken(name: str, prompt_named: dict[str, Prompt]) -> None:
    base = load_base(NARROWBAND)
    decoder = SphinxDecoder(base.model)
    prompt = prompt_named[name]
    cepstra = base.cepstra(_samples(prompt))
    alignment = decoder.align_text(cepstra, prompt.text.split())
    assert alignment is not None
    assert (alignment.senones >= 0).mean() > 0.95


def test_the_lattice_agrees_with_the_decoders_own_posteriors(prompt_named: dict[str, Prompt]) -> None:
    base = load_base(NARROWBAND)
    decoder = SphinxDecoder(base.model)
    segments = decoder.decode(base.cepstra(_samples(prompt_named["conf-invalid"])))
    lattice = decoder.lattice()
    assert lattice is not None
    for segment in segments:
        if not segment.is_filler:
            from_its_start = [
                posterior
                for source, posterior in zip(lattice.sources, lattice.posteriors, strict=True)
                if (lattice.words[source], lattice.first_frames[source])
                == (segment.word, segment.first_frame)
            ]
            assert sum(from_its_start) >= segment.posterior - 1e-3
            assert lattice.posterior(segment.word, segment.first_frame, segment.last_frame) <= 1
    (best, *_) = decoder.readings(lattice, 3)
    assert [arc.text for arc in best.words] == [one.word for one in segments if not one.is_filler]


def test_nothing_decoded_is_nothing_to_align() -> None:
    base = load_base(NARROWBAND)
    decoder = SphinxDecoder(base.model)
    assert decoder.decode(np.empty((0, 13))) == ()
    assert decoder.align(np.empty((0, 13))) is None
    assert decoder.posterior() == 0
    assert decoder.lattice() is None


def test_the_decoder_leaves_the_normalisation_to_us(prompt_named: dict[str, Prompt]) -> None:
    base = load_base(NARROWBAND)
    decoder = SphinxDecoder(base.model)
    cepstra = base.cepstra(_samples(prompt_named["cannot-complete-as-dialed"]))
    assert decoder.decode(cepstra) != decoder.decode(cepstra + 4)
