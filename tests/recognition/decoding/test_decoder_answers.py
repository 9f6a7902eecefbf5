"""Of the bytes of a decoding process come its answers as they were, and never anything else."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, KeywordHit, Word, WordSlot
from chalicelib.recognition.decoding.decoder_answers import (
    Answer,
    Batched,
    NoAnswer,
    OpenedUtterance,
    TaskFailure,
    packed,
    unpacked,
)

_seconds = st.floats(0, 120)
_posteriors = st.floats(0, 1)
_words = st.builds(Word, st.text(), _seconds, _seconds, _posteriors, st.none() | st.text())
_hypotheses = st.builds(Hypothesis, st.lists(_words, max_size=4).map(tuple), _posteriors)
_alternatives = st.lists(st.tuples(st.text(), _posteriors), max_size=3).map(tuple)
_decoded = st.builds(
    DecodedUtterance,
    st.lists(_hypotheses, max_size=3).map(tuple),
    st.lists(st.builds(WordSlot, _seconds, _seconds, _alternatives), max_size=3).map(tuple),
    st.lists(st.builds(KeywordHit, st.text(), _seconds, _seconds, _posteriors), max_size=3).map(tuple),
)
_answers: st.SearchStrategy[Answer] = st.one_of(
    _decoded,
    st.builds(Batched, st.lists(_decoded, max_size=3).map(tuple)),
    _hypotheses,
    st.builds(OpenedUtterance, st.booleans()),
    st.builds(TaskFailure, st.text(), st.booleans(), st.booleans(), st.booleans()),
)


@given(_answers)
def test_answers_arrive_as_they_were(answer: Answer) -> None:
    assert unpacked(packed(answer)) == answer


def test_numbers_of_numpy_arrive_as_plain_ones() -> None:
    hit = KeywordHit("here", np.float64(0.5), np.float32(1), np.float64(1))  # type: ignore[arg-type]
    arrived = unpacked(packed(DecodedUtterance(keywords=(hit,))))
    assert arrived == DecodedUtterance(keywords=(KeywordHit("here", 0.5, 1.0, 1.0),))
    assert isinstance(arrived, DecodedUtterance)
    assert type(arrived.keywords[0].start_s) is type(arrived.keywords[0].end_s) is float


@pytest.mark.parametrize(
    "other",
    [Word("no", 0.0, 1.0, 1.0), {"hypotheses": ()}, None, Decimal(1), np.float64(1), print, Hypothesis],
    ids=repr,
)
def test_nothing_else_comes_of_them(other: object) -> None:
    with pytest.raises(NoAnswer):
        unpacked(pickle.dumps(other))


def test_what_a_name_stands_for_is_not_called() -> None:
    called = pickle.dumps(_Called())
    assert pickle.loads(called) == os.getpid()
    with pytest.raises(NoAnswer, match="getpid is no part of an answer"):
        unpacked(called)


class _Called:
    """Its bytes ask whoever loads them to call a function."""

    def __reduce__(self) -> tuple[Callable[[], int], tuple[()]]:
        return os.getpid, ()


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(NoAnswer):
        unpacked(data)


@given(_answers, st.data())
def test_a_part_of_an_answer_is_none(answer: Answer, data: st.DataObject) -> None:
    whole = packed(answer)
    with pytest.raises(NoAnswer):
        unpacked(whole[: data.draw(st.integers(0, len(whole) - 1))])
