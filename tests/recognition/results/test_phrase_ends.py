"""Where a transcript is split at phrase ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, KeywordHit, Word, WordSlot
from chalicelib.recognition.results.phrase_ends import phrases


def spoken(text: str, pauses: dict[str, float]) -> Hypothesis:
    """Words of 0.3 s, with pauses after some."""
    words, time_s = [], 0.0
    for word in text.split():
        words.append(Word(word, time_s, time_s + 0.3, 0.9))
        time_s += 0.3 + pauses.get(word, 0.02)
    return Hypothesis(tuple(words), 1.0)


def texts(text: str, **pauses: float) -> list[str]:
    return [part.hypotheses[0].text for part in phrases(DecodedUtterance((spoken(text, pauses),)))]


def test_a_short_pause_before_a_word_that_often_begins_a_sentence() -> None:
    assert texts("here is a card the number is long", card=0.25) == ["here is a card", "the number is long"]


def test_a_longer_pause_before_any_word() -> None:
    assert texts("wait here marty comes", here=0.5) == ["wait here", "marty comes"]
    assert texts("wait here marty comes", here=0.3) == ["wait here marty comes"]


def test_no_pause_is_no_end() -> None:
    assert texts("here is a card the number is long") == ["here is a card the number is long"]


def test_what_cannot_stand_at_an_end_does_not() -> None:
    assert texts("please go to the house", to=0.7, the=0.7) == ["please go to the house"]


def test_a_number_stays_together() -> None:
    assert texts("one two three four", two=0.7) == ["one two three four"]


def test_places_and_keywords_go_with_their_phrase() -> None:
    best = spoken("stop here please go", {"here": 0.4})
    end_s = best.words[1].end_s + 0.2
    utterance = DecodedUtterance(
        (best, spoken("stop hear please go", {"hear": 0.4})),
        tuple(WordSlot(word.start_s, word.end_s, ((word.text, 0.9),)) for word in best.words),
        (
            KeywordHit("stop", 0.0, 0.3, 0.9),
            KeywordHit("here please", 0.32, end_s + 0.3, 0.9),
            KeywordHit("go", best.words[3].start_s, best.words[3].end_s, 0.9),
        ),
    )
    first, second = phrases(utterance)
    assert [reading.text for reading in first.hypotheses] == ["stop here", "stop hear"]
    assert [slot.alternatives[0][0] for slot in second.slots] == ["please", "go"]
    assert [hit.keyword for hit in first.keywords] == ["stop"]
    assert [hit.keyword for hit in second.keywords] == ["go"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["please", "wait", "the", "one", "two", "line", "card", "is", "and", "go"]),
            st.floats(0, 0.8),
        ),
        max_size=12,
    )
)
def test_no_word_is_lost(said: list[tuple[str, float]]) -> None:
    words, time_s = [], 0.0
    for word, pause_s in said:
        words.append(Word(word, time_s, time_s + 0.2, 0.9))
        time_s += 0.2 + pause_s
    parts = phrases(DecodedUtterance((Hypothesis(tuple(words), 1.0),)))
    assert [word for part in parts for word in part.hypotheses[0].words] == words


def test_nothing_said_has_no_phrases() -> None:
    assert phrases(DecodedUtterance()) == [DecodedUtterance()]
