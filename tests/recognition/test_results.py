"""Answers from hypotheses: times, confidences, alternatives."""

from __future__ import annotations

import itertools
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, Word
from chalicelib.recognition.options import Options
from chalicelib.recognition.results import RecognizedUtterance, assemble

EVERYTHING = Options(timestamps=True, word_confidence=True, max_alternatives=5)


def hypothesis(text: str, posterior: float = 0.9) -> Hypothesis:
    words = tuple(
        Word(word, 0.5 * number, 0.5 * number + 0.4, posterior) for number, word in enumerate(text.split())
    )
    return Hypothesis(words, posterior)


def utterance(start_s: float, *readings: Hypothesis) -> RecognizedUtterance:
    return RecognizedUtterance(start_s, DecodedUtterance(readings))


words = st.builds(
    Word,
    text=st.sampled_from(["several", "tornadoes", "uh", "um", "line"]),
    start_s=st.floats(-1, 130),
    end_s=st.floats(-1, 130),
    posterior=st.floats(-0.01, 1.01),
)
hypotheses = st.builds(
    Hypothesis, words=st.lists(words, max_size=6).map(tuple), posterior=st.floats(0.0, 1.0)
)
utterances = st.builds(
    RecognizedUtterance,
    start_s=st.floats(0, 600),
    decoded=st.builds(DecodedUtterance, hypotheses=st.lists(hypotheses, max_size=6).map(tuple)),
)


@given(
    spoken=st.lists(utterances, max_size=6), duration_s=st.floats(0.0, 700.0), alternatives=st.integers(1, 5)
)
def test_every_answer_keeps_its_promises(
    spoken: list[RecognizedUtterance], duration_s: float, alternatives: int
) -> None:
    options = Options(timestamps=True, word_confidence=True, max_alternatives=alternatives)
    answer = json.loads(json.dumps(assemble(spoken, duration_s, options), allow_nan=False))
    assert answer["result_index"] == 0
    assert all(result["final"] is True for result in answer["results"])
    _times_are_in_order_and_inside(answer, duration_s)
    for result in answer["results"]:
        first, *others = result["alternatives"]
        assert len(others) < alternatives
        transcripts = [alternative["transcript"] for alternative in result["alternatives"]]
        assert len(set(transcripts)) == len(transcripts)
        assert all(transcript and transcript.endswith(" ") for transcript in transcripts)
        assert [word for word, _, _ in first["timestamps"]] == first["transcript"].split()
        assert [word for word, _ in first["word_confidence"]] == first["transcript"].split()
        for confidence in [first["confidence"], *(value for _, value in first["word_confidence"])]:
            assert 0.0 <= confidence <= 1.0
            assert round(confidence, 2) == confidence
        assert all(alternative.keys() == {"transcript"} for alternative in others)


def _times_are_in_order_and_inside(answer: dict[str, Any], duration_s: float) -> None:
    times = [
        time
        for result in answer["results"]
        for _, start_s, end_s in result["alternatives"][0]["timestamps"]
        for time in (start_s, end_s)
    ]
    assert all(0.0 <= time <= duration_s and round(time, 2) == time for time in times)
    assert all(earlier <= later for earlier, later in itertools.pairwise(times))


def test_nothing_said_is_an_empty_answer() -> None:
    silent = [utterance(0.0), utterance(3.0, Hypothesis((), 1.0))]
    assert assemble(silent, 10.0, Options()) == {"result_index": 0, "results": []}


def test_only_what_was_asked_for_is_answered() -> None:
    spoken = [utterance(0.0, hypothesis("heavy rain"), hypothesis("heavy reign"))]
    assert assemble(spoken, 10.0, Options())["results"] == [
        {"final": True, "alternatives": [{"transcript": "heavy rain ", "confidence": 0.9}]}
    ]


def test_times_count_from_the_start_of_the_recording() -> None:
    spoken = [utterance(12.25, hypothesis("heavy rain"))]
    first = assemble(spoken, 60.0, EVERYTHING)["results"][0]["alternatives"][0]
    assert first["timestamps"] == [["heavy", 12.25, 12.65], ["rain", 12.75, 13.15]]


def test_alternatives_come_best_first_without_repetition() -> None:
    readings = ("heavy rain", "heavy reign", "heavy rain", "heavy reign", "every rain")
    spoken = [utterance(0.0, *(hypothesis(text) for text in readings))]
    alternatives = assemble(spoken, 10.0, EVERYTHING)["results"][0]["alternatives"]
    assert [alternative["transcript"] for alternative in alternatives] == [
        "heavy rain ",
        "heavy reign ",
        "every rain ",
    ]


def test_hesitations_are_marked_and_make_no_alternative() -> None:
    spoken = [utterance(0.0, hypothesis("um heavy rain"), hypothesis("uh heavy rain"))]
    alternatives = assemble(spoken, 10.0, EVERYTHING)["results"][0]["alternatives"]
    assert [alternative["transcript"] for alternative in alternatives] == ["%HESITATION heavy rain "]
    assert alternatives[0]["timestamps"][0][0] == "%HESITATION"


def test_confidence_is_the_mean_of_the_words() -> None:
    reading = Hypothesis((Word("heavy", 0.0, 0.4, 1.0), Word("rain", 0.5, 0.9, 0.5)), 0.1)
    first = assemble([utterance(0.0, reading)], 10.0, EVERYTHING)["results"][0]["alternatives"][0]
    assert first["confidence"] == 0.75
    assert first["word_confidence"] == [["heavy", 1.0], ["rain", 0.5]]
