"""Small grammars: every sentence is scored, other speech refused."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, Word
from chalicelib.engines.whisper.custom_language.grammar import (
    LEAST_ACCEPTANCE,
    SentenceChoice,
    SentenceEvidence,
    as_sure,
    probability,
)
from chalicelib.language.artefact import ArtefactWord
from chalicelib.language.pronunciation.pronunciations import guess

SENTENCES = [["call", "tom"], ["call", "ann"], ["hang", "up"]]
CHOICE = SentenceChoice(SENTENCES, [], lambda _: ())


def _tokens(text: str) -> int:
    return len(text.split())


def test_what_was_said_is_found_as_the_network_scores_it_best() -> None:
    heard = CHOICE.heard(
        ["Call Tom!"], lambda texts: [-1.0 if t == "Call tom." else -2.0 for t in texts], _tokens
    )
    assert heard is not None
    assert (heard.sentence, heard.text, heard.score) == (("call", "tom"), "Call tom.", -0.5)
    assert heard.evidence == SentenceEvidence(0.0, 0.0)
    assert heard.acceptance > LEAST_ACCEPTANCE


def test_other_speech_is_refused() -> None:
    def score(texts: Sequence[str]) -> Sequence[float]:
        return [-0.5 if text == "The weather is fine." else -20.0 for text in texts]

    heard = CHOICE.heard(["The weather is fine."], score, _tokens)
    assert heard is not None
    assert heard.acceptance < LEAST_ACCEPTANCE


def test_custom_words_sound_as_they_are_said_to() -> None:
    choice = SentenceChoice(
        [["call", "quux"], ["call", "tom"]], [ArtefactWord("quux", guess("dorothy"))], lambda _: ()
    )
    heard = choice.heard(["Call Dorothy."], lambda texts: [-1.0] * len(texts), _tokens)
    assert heard is not None
    assert heard.sentence == ("call", "quux")


def test_nothing_was_said() -> None:
    assert CHOICE.heard([], lambda texts: [0.0] * len(texts), _tokens) is None
    assert CHOICE.heard(["", " "], lambda texts: [0.0] * len(texts), _tokens) is None
    assert (
        SentenceChoice([], [], lambda _: ()).heard(["Yes."], lambda texts: [0.0] * len(texts), _tokens)
        is None
    )


@given(st.floats(0, 50), st.floats(0, 5), st.floats(0, 5))
def test_more_against_a_sentence_never_makes_it_likelier(gap: float, apart: float, more: float) -> None:
    likely = probability(SentenceEvidence(gap, apart))
    assert 0 <= probability(SentenceEvidence(gap + more, apart)) <= likely <= 1
    assert probability(SentenceEvidence(gap, apart + more)) <= likely


def test_the_reading_and_its_words_are_as_sure_as_the_grammar() -> None:
    heard = DecodedUtterance((Hypothesis((Word("call", 0, 1, 0.9), Word("tom", 1, 2, 0.1)), 0.4),))
    (reading,) = as_sure(heard, 0.8).hypotheses
    assert reading.posterior == 0.8
    assert [word.posterior for word in reading.words] == [0.8, 0.8]
