"""Confusion networks and keywords from readings."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.engines.n_best import keyword_hits, slots, weights
from chalicelib.engines.protocol import Hypothesis, Word

VOCABULARY = ("a", "one", "someone", "Ohio", "IBM Watson")


@st.composite
def readings(draw: st.DrawFn) -> Sequence[Hypothesis]:
    """Up to five readings of one utterance, each with its own times."""
    count = draw(st.integers(1, 5))
    scores = draw(st.lists(st.floats(-2, 0), min_size=count, max_size=count))
    found = []
    for share in weights(scores):
        at = 0
        words = []
        for text in draw(st.lists(st.sampled_from(VOCABULARY), max_size=6)):
            at += draw(st.integers(0, 20))
            end = at + draw(st.integers(0, 40))
            posterior = draw(st.floats(0, 1))
            words.append(Word(text, at / 50, end / 50, posterior))
            at = end
        found.append(Hypothesis(tuple(words), share))
    return found


def _reading(text: str, share: float, posterior: float = 1.0) -> Hypothesis:
    """Half a second a word; `-` is a pause of that length."""
    words = [
        Word(word, place / 2, (place + 1) / 2, posterior)
        for place, word in enumerate(text.split())
        if word != "-"
    ]
    return Hypothesis(tuple(words), share)


@given(readings())
def test_places_are_in_order_and_apart_and_hold_the_first_reading(found: Sequence[Hypothesis]) -> None:
    network = slots(found)
    assert all(slot.start_s <= slot.end_s for slot in network)
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(network))
    for slot in network:
        words = [word for word, _ in slot.alternatives]
        posteriors = [posterior for _, posterior in slot.alternatives]
        assert words
        assert len(set(words)) == len(words)
        assert posteriors == sorted(posteriors, reverse=True)
        assert all(0 <= posterior <= 1 for posterior in posteriors)
        assert sum(posteriors) <= 1 + 1e-9
    left = iter(network)
    for word in found[0].words:
        assert any(
            (slot.start_s, slot.end_s) == (word.start_s, word.end_s) and word.text in dict(slot.alternatives)
            for slot in left
        )


@given(readings())
def test_places_do_not_depend_on_the_order_of_other_readings(found: Sequence[Hypothesis]) -> None:
    shares = [reading.posterior for reading in found[1:]]
    assume(len(set(shares)) == len(shares))
    assert slots([found[0], *reversed(found[1:])]) == slots(found)


@given(readings(), st.sampled_from(["a", "one", "a one", "one a one", "ohio", "ibm watson", "watson a", "b"]))
def test_hits_of_a_keyword_are_in_order_and_apart(found: Sequence[Hypothesis], keyword: str) -> None:
    hits = keyword_hits(found, [keyword])
    assert all(hit.keyword == keyword and 0 < hit.posterior <= 1 for hit in hits)
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(hits))
    sure = [word for word in found[0].words if word.posterior == 1 and word.text.lower() == keyword]
    if found[0].posterior > 0.01:
        assert all(
            any(hit.start_s <= word.end_s and word.start_s <= hit.end_s for hit in hits) for word in sure
        )
    said = {token for reading in found for word in reading.words for token in word.text.lower().split()}
    assert not hits or set(keyword.split()) <= said


def test_words_of_all_readings_compete_in_the_place_of_their_counterpart() -> None:
    network = slots(
        [_reading("call two people", 0.6), _reading("call too people", 0.3), _reading("tall too", 0.1)]
    )
    assert [[word for word, _ in slot.alternatives] for slot in network] == [
        ["call", "tall"],
        ["two", "too"],
        ["people"],
    ]
    assert [posterior for slot in network for _, posterior in slot.alternatives] == pytest.approx(
        [0.9, 0.1, 0.6, 0.4, 0.9]
    )


def test_a_word_of_another_reading_gets_a_place_only_where_there_is_room() -> None:
    with_room = slots([_reading("call - people", 0.7), _reading("call all people", 0.3)])
    assert [(slot.start_s, slot.end_s, slot.alternatives[0]) for slot in with_room] == [
        (0.0, 0.5, ("call", 1.0)),
        (0.5, 1.0, ("all", 0.3)),
        (1.0, 1.5, ("people", 1.0)),
    ]
    assert [
        slot.alternatives[0][0]
        for slot in slots([_reading("call people", 0.7), _reading("call all people", 0.3)])
    ] == [
        "call",
        "people",
    ]


def test_an_unsure_word_is_not_made_sure_by_being_in_every_reading() -> None:
    (slot,) = slots([_reading("yes", 0.6, 0.5), _reading("yes", 0.4, 0.5)])
    ((word, posterior),) = slot.alternatives
    assert word == "yes"
    assert posterior == pytest.approx(0.5)


def test_weights_above_one_are_brought_down() -> None:
    (slot,) = slots([_reading("yes", 0.9), _reading("yet", 0.9)])
    assert slot.alternatives == (("yes", 0.5), ("yet", 0.5))


def test_a_phrase_is_found_off_the_best_path_and_summed_over_readings() -> None:
    found = [
        _reading("please hold the lion", 0.5),
        _reading("please hold the line", 0.3),
        _reading("please - the line", 0.2, 0.5),
    ]
    (hit,) = keyword_hits(found, ["the line"])
    assert (hit.start_s, hit.end_s) == (1.0, 2.0)
    assert hit.posterior == pytest.approx(0.4)


def test_a_keyword_said_twice_is_hit_twice() -> None:
    found = [_reading("no no yes no no no", 0.5), _reading("no no yes no no", 0.5)]
    assert [(hit.start_s, hit.end_s, hit.posterior) for hit in keyword_hits(found, ["no no"])] == [
        (0.0, 1.0, 1.0),
        (1.5, 2.5, 1.0),
    ]


def test_readings_that_place_a_word_at_other_times_still_agree_on_it() -> None:
    late = Hypothesis((Word("stop", 0.9, 1.1, 1.0),), 0.4)
    early = Hypothesis((Word("stop", 0.4, 0.7, 1.0),), 0.6)
    (hit,) = keyword_hits([early, late], ["stop"])
    assert (hit.start_s, hit.end_s, hit.posterior) == (0.4, 0.7, 1.0)


def test_a_keyword_may_be_meant_in_several_ways() -> None:
    found = [_reading("call zorblatt now", 0.8), _reading("call Zorblatt_Inc now", 0.2)]
    meant = {"zorblatt inc": [["zorblatt"], ["zorblatt_inc"]]}
    (hit,) = keyword_hits(found, ["zorblatt inc"], meant.__getitem__)
    assert hit.posterior == pytest.approx(1.0)
    assert keyword_hits(found, ["zorblatt inc"]) == ()


def test_hits_are_in_the_order_of_time_whatever_the_order_of_keywords() -> None:
    found = [_reading("one two three", 1.0)]
    assert [hit.keyword for hit in keyword_hits(found, ["three", "one", "two three"])] == [
        "one",
        "two three",
        "three",
    ]


def test_nothing_comes_of_nothing() -> None:
    assert weights([]) == ()
    assert slots([]) == ()
    assert slots([Hypothesis((), 1.0)]) == ()
    assert keyword_hits([], ["a"]) == ()


@given(st.lists(st.floats(-1e4, 0), min_size=1, max_size=10), st.floats(0.01, 10))
def test_weights_are_ordered_as_scores_and_sum_to_one(scores: list[float], temperature: float) -> None:
    found = weights(scores, temperature)
    assert sum(found) == pytest.approx(1.0)
    order = sorted(range(len(scores)), key=lambda number: scores[number])
    assert all(found[low] <= found[high] for low, high in itertools.pairwise(order))


def test_the_temperature_is_the_difference_that_makes_a_reading_e_times_less_likely() -> None:
    first, second = weights([-0.2, -0.45], 0.25)
    assert first / second == pytest.approx(2.718281828)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_is_above_zero(temperature: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        weights([-1.0], temperature)
