"""What `engines.protocol` promises, kept by every engine that the catalogue names and by the smallest possible."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from chalicelib.engines import loading
from chalicelib.engines.catalogue import BASE_MODELS, BaseVersion
from chalicelib.engines.errors import CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.features import Features
from chalicelib.engines.protocol import (
    BASE_ALONE,
    BatchRecognizer,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Engine,
    Hypothesis,
    KeywordHit,
    Recognizer,
    Samples,
)
from infra.local.demo.prompts import Prompt
from tests import adapted_models
from tests.engines import tone_engine
from tests.engines.tone_engine import ToneEngine

PROMPTS = ("cannot-complete-as-dialed", "vm-goodbye")
TONES = ((300.0, 0.3), (640.0, 0.2), (2_000.0, 0.4), (1_200.0, 0.25))
OVER_THE_END_S = 0.1
"""Frames are a little longer than the samples in them."""
POSTERIOR_DIFFERENCE = 1e-3
"""Sums in another order, or over tables of logarithms."""


@dataclass(frozen=True)
class Case:
    """An engine with a version that it loads."""

    name: str
    engine: Engine
    version: str
    rate_hz: int
    features: Features
    speech: tuple[Samples, ...]
    """Two utterances at its rate: one of several words, and a short one."""
    everything: DecodingOptions
    """All that can be asked for. Keywords: the first utterance's last word, two in a row, and one unsaid."""
    custom: CustomModels = BASE_ALONE
    """What it recognises with."""

    def load(self, custom: CustomModels | None = None) -> Recognizer:
        """Load the version, with its own custom models or with others."""
        return self.engine.load(self.version, self.custom if custom is None else custom)


def _newest_versions() -> dict[str, BaseVersion]:
    """Return a version of each engine, of a narrowband model where there is one."""
    versions = [version for model in BASE_MODELS.values() for version in model.versions]
    return {version.engine: version for version in sorted(versions, key=lambda version: -version.rate_hz)}


VERSIONS = _newest_versions()


def _tones(tones: Sequence[tuple[float, float]]) -> Samples:
    pause = np.zeros(tone_engine.RATE_HZ // 10, np.float32)
    parts = [pause]
    for hz, duration_s in tones:
        time_s = np.arange(round(duration_s * tone_engine.RATE_HZ)) / tone_engine.RATE_HZ
        parts += [(0.3 * np.sin(2 * np.pi * hz * time_s)).astype(np.float32), pause]
    return np.concatenate(parts)


ADAPTED = "-adapted"
"""Behind an engine's name: with a custom acoustic model."""
CASES = [*sorted(VERSIONS), f"whisper{ADAPTED}", "tones"]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    if request.param == "tones":
        tones = (_tones(TONES), _tones(TONES[:1]))
        return _case("tones", ToneEngine(), "xx-XX_Tones.v1", tone_engine.RATE_HZ, Features(), tones)
    name = request.param.removesuffix(ADAPTED)
    version = VERSIONS[name]
    custom = BASE_ALONE
    if name != request.param:
        content = adapted_models.network_model(version.name)
        custom = CustomModels(
            adapted_models.written(tmp_path_factory.mktemp("adapted") / "m.tar.gz", content)
        )
    prompts: dict[str, Prompt] = request.getfixturevalue("prompt_named")
    speech = tuple(_spoken(prompts[name], version.rate_hz) for name in PROMPTS)
    engine = loading.engine(version.engine)
    return _case(name, engine, version.name, version.rate_hz, version.features, speech, custom)


def _case(
    name: str,
    engine: Engine,
    version: str,
    rate_hz: int,
    features: Features,
    speech: tuple[Samples, ...],
    custom: CustomModels = BASE_ALONE,
) -> Case:
    words = engine.load(version, custom).recognize(speech[0]).hypotheses[0].text.split()
    keywords = (words[-1], " ".join(words[-3:-1]), "hippopotamus")
    everything = DecodingOptions(max_alternatives=4, word_alternatives=True, keywords=keywords)
    return Case(name, engine, version, rate_hz, features, speech, everything, custom)


def _spoken(prompt: Prompt, rate_hz: int) -> Samples:
    samples, own_hz = soundfile.read(prompt.path, dtype="float32")
    return np.asarray(soxr.resample(samples, own_hz, rate_hz), np.float32)


@pytest.fixture(scope="module")
def recognizer(case: Case) -> Recognizer:
    return case.load()


@pytest.fixture(scope="module")
def decoded(case: Case, recognizer: Recognizer) -> DecodedUtterance:
    """All that the first utterance gives."""
    return recognizer.recognize(case.speech[0], case.everything)


def _in_order(hypothesis: Hypothesis, duration_s: float) -> None:
    for word in hypothesis.words:
        assert 0 <= word.start_s <= word.end_s <= duration_s + OVER_THE_END_S, word
        assert 0 <= word.posterior <= 1, word
        assert word.text, "a word has a text"
        assert not any(sign.isspace() for sign in word.text), word
    for one, two in itertools.pairwise(hypothesis.words):
        assert one.end_s <= two.start_s + 1e-9, (one, two)


def test_it_takes_the_rate_that_the_catalogue_names(case: Case, recognizer: Recognizer) -> None:
    assert recognizer.sample_rate_hz == case.rate_hz
    assert recognizer.size_bytes > 0


def test_every_version_of_the_engine_can_be_loaded(case: Case) -> None:
    for model in BASE_MODELS.values():
        for version in model.versions:
            if version.engine == case.name:
                assert case.engine.load(version.name).sample_rate_hz == version.rate_hz


@pytest.mark.parametrize("count", [0, 1, 80, 800, 8_000, 40_000])
def test_silence_of_any_length_says_nothing(case: Case, recognizer: Recognizer, count: int) -> None:
    silence = np.zeros(count, np.float32)
    assert recognizer.recognize(silence, case.everything) == DecodedUtterance()
    stream = recognizer.stream()
    stream.feed(silence)
    assert stream.partial().words == ()
    assert stream.finish(case.everything) == DecodedUtterance()


def test_words_follow_each_other_inside_the_audio(case: Case, decoded: DecodedUtterance) -> None:
    assert len(decoded.hypotheses[0].words) >= 3
    for hypothesis in decoded.hypotheses:
        _in_order(hypothesis, len(case.speech[0]) / case.rate_hz)


def test_alternatives_differ_and_get_less_likely(case: Case, decoded: DecodedUtterance) -> None:
    assert 1 < len(decoded.hypotheses) <= case.everything.max_alternatives
    texts = [hypothesis.text for hypothesis in decoded.hypotheses]
    assert len(set(texts)) == len(texts)
    posteriors = [hypothesis.posterior for hypothesis in decoded.hypotheses]
    assert posteriors == sorted(posteriors, reverse=True)
    assert all(0 <= posterior <= 1 for posterior in posteriors)


def test_places_of_the_confusion_network_are_in_order(case: Case, decoded: DecodedUtterance) -> None:
    assert decoded.slots
    for slot in decoded.slots:
        assert 0 <= slot.start_s <= slot.end_s <= len(case.speech[0]) / case.rate_hz + OVER_THE_END_S
        assert slot.alternatives, "a place holds words"
        posteriors = [posterior for _, posterior in slot.alternatives]
        assert posteriors == sorted(posteriors, reverse=True)
        assert min(posteriors) >= 0
        assert sum(posteriors) <= 1 + POSTERIOR_DIFFERENCE
        words = [word for word, _ in slot.alternatives]
        assert len(set(words)) == len(words)
        assert all(words)
    for one, two in itertools.pairwise(decoded.slots):
        assert one.end_s <= two.start_s + 1e-9


def test_keywords_are_hit_where_they_were_said(case: Case, decoded: DecodedUtterance) -> None:
    word, phrase, unsaid = case.everything.keywords
    hits = decoded.keywords
    assert {word, phrase} <= {hit.keyword for hit in hits} <= {word, phrase, unsaid}
    assert [hit.start_s for hit in hits] == sorted(hit.start_s for hit in hits)
    for hit in hits:
        assert 0 <= hit.start_s <= hit.end_s <= len(case.speech[0]) / case.rate_hz + OVER_THE_END_S
        assert 0 <= hit.posterior <= 1
    said = decoded.hypotheses[0].words[-1]
    assert any(_overlap(hit, said.start_s, said.end_s) for hit in hits if hit.keyword == word)


def _overlap(hit: KeywordHit, start_s: float, end_s: float) -> bool:
    return hit.start_s <= end_s and start_s <= hit.end_s


def test_nothing_more_is_answered_than_was_asked_for(case: Case, recognizer: Recognizer) -> None:
    found = recognizer.recognize(case.speech[0])
    assert len(found.hypotheses) == 1
    assert (found.slots, found.keywords) == ((), ())


def test_a_result_depends_on_nothing_but_the_samples(
    case: Case, recognizer: Recognizer, decoded: DecodedUtterance
) -> None:
    recognizer.recognize(case.speech[1])
    assert recognizer.recognize(case.speech[0], case.everything) == decoded
    assert case.load().recognize(case.speech[0], case.everything) == decoded


def test_samples_stay_as_they_were(case: Case, recognizer: Recognizer) -> None:
    samples = case.speech[1].copy()
    samples.flags.writeable = False
    expected = recognizer.recognize(case.speech[1])
    assert recognizer.recognize(samples) == expected
    stream = recognizer.stream()
    stream.feed(samples)
    assert _texts(stream.finish()) == _texts(expected)


def _texts(found: DecodedUtterance) -> list[str]:
    return [hypothesis.text for hypothesis in found.hypotheses]


@pytest.mark.parametrize("block", [None, 480, 1_234, 8_000])
def test_a_stream_ends_with_what_the_whole_gives_however_it_is_fed(
    case: Case, recognizer: Recognizer, decoded: DecodedUtterance, block: int | None
) -> None:
    random = np.random.default_rng(4)
    samples, at, number = case.speech[0], 0, 0
    stream = recognizer.stream()
    while at < len(samples):
        step = block if block is not None else int(random.integers(0, 4_000))
        stream.feed(samples[at : at + step])
        at, number = at + step, number + 1
        if number % 3 == 0:
            _in_order(stream.partial(), at / case.rate_hz)
            assert 0 <= stream.partial().posterior <= 1
    final = stream.finish(case.everything)
    assert _texts(final) == _texts(decoded)
    for streamed, whole in zip(final.hypotheses, decoded.hypotheses, strict=True):
        assert streamed.posterior == pytest.approx(whole.posterior, abs=POSTERIOR_DIFFERENCE)
        for one, two in zip(streamed.words, whole.words, strict=True):
            assert (one.text, one.start_s, one.end_s) == (two.text, two.start_s, two.end_s)
            assert one.posterior == pytest.approx(two.posterior, abs=POSTERIOR_DIFFERENCE)
    assert [slot.alternatives[0][0] for slot in final.slots] == [
        slot.alternatives[0][0] for slot in decoded.slots
    ]
    assert [hit.keyword for hit in final.keywords] == [hit.keyword for hit in decoded.keywords]


def test_partial_results_come_to_be_words(case: Case, recognizer: Recognizer) -> None:
    samples, block = case.speech[0], case.rate_hz // 10
    stream = recognizer.stream()
    said = []
    for at in range(0, len(samples), block):
        stream.feed(samples[at : at + block])
        said.append(len(stream.partial().words))
    stream.finish()
    assert said[0] <= 1
    assert max(said) >= 1


def test_a_stream_that_is_given_up_leaves_no_trace(
    case: Case, recognizer: Recognizer, decoded: DecodedUtterance
) -> None:
    for _ in range(2):
        given_up = recognizer.stream()
        given_up.feed(case.speech[1])
        given_up.partial()
    assert recognizer.recognize(case.speech[0], case.everything) == decoded
    recognizer.stream().feed(case.speech[1])
    stream = recognizer.stream()
    stream.feed(case.speech[0])
    assert _texts(stream.finish(case.everything)) == _texts(decoded)


def test_threads_share_a_recogniser_where_the_features_say_so(
    case: Case, recognizer: Recognizer, decoded: DecodedUtterance
) -> None:
    if not case.features.serves_threads:
        pytest.skip("each thread has a recogniser of its own")
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(recognizer.recognize, case.speech[0], case.everything) for _ in range(3)]
        assert [each.result() for each in asked] == [decoded] * 3


def test_utterances_together_give_what_each_gives(case: Case, recognizer: Recognizer) -> None:
    if not isinstance(recognizer, BatchRecognizer):
        pytest.skip("it decodes one utterance at a time")
    utterances = [*case.speech, np.zeros(800, np.float32)]
    together = recognizer.recognize_all(utterances, case.everything)
    assert list(together) == [recognizer.recognize(each, case.everything) for each in utterances]


def _adapted(folder: Path, version: str, engine: str, files: dict[str, bytes]) -> CustomModels:
    content = adapted_models.packed(adapted_models.members(version, files, engine))
    return CustomModels(adapted_models.written(folder / "model.tar.gz", content))


def test_a_model_that_kept_its_base_recognises_exactly_like_it(case: Case, tmp_path: Path) -> None:
    custom = _adapted(tmp_path, case.version, case.name, {})
    if not case.features.acoustic_models:
        _refused(case, custom)
        return
    base = case.load(BASE_ALONE).recognize(case.speech[0], case.everything)
    assert case.load(custom).recognize(case.speech[0], case.everything) == base


def test_an_adapted_model_hears_otherwise_than_its_base(case: Case, decoded: DecodedUtterance) -> None:
    if case.custom == BASE_ALONE:
        pytest.skip("it is the base itself")
    assert case.load(BASE_ALONE).recognize(case.speech[0], case.everything) != decoded


@pytest.mark.parametrize(
    ("version", "engine", "files"),
    [
        ("xx-XX_AnotherModel.v1", None, {}),
        (None, "abacus", {}),
        (None, None, {"unheard-of.bin": b"x"}),
    ],
)
def test_a_model_made_for_something_else_is_refused(
    case: Case, tmp_path: Path, version: str | None, engine: str | None, files: dict[str, bytes]
) -> None:
    custom = _adapted(tmp_path, version or case.version, engine or case.name, files)
    if not case.features.acoustic_models:
        _refused(case, custom)
        return
    with pytest.raises(ModelUnreadable, match=r"model\.tar\.gz"):
        case.load(custom)


@pytest.mark.parametrize("kind", ["adapted_model", "language_model"])
def test_a_damaged_file_is_refused(case: Case, tmp_path: Path, kind: str) -> None:
    path = adapted_models.written(tmp_path / "damaged.tar.gz", b"\x1f\x8b nothing")
    custom = CustomModels(path) if kind == "adapted_model" else CustomModels(language_model=path)
    is_usable = case.features.acoustic_models if kind == "adapted_model" else case.features.language_models
    if not is_usable:
        _refused(case, custom)
        return
    with pytest.raises(ModelUnreadable, match=r"damaged\.tar\.gz"):
        case.load(custom)


def test_a_grammar_without_a_model_that_holds_it_is_refused(case: Case) -> None:
    _refused(case, CustomModels(grammar_name="digits"))


def _refused(case: Case, custom: CustomModels) -> None:
    """Expect that a customisation is not supported, in words that fit into a sentence for the user."""
    with pytest.raises(CustomizationUnsupported) as refused:
        case.load(custom)
    assert len(str(refused.value).split()) >= 3
    assert not str(refused.value).endswith(".")
