"""Answers from hypotheses: times, confidences, alternatives."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, KeywordHit, Word, WordSlot
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.clock import WordClock
from chalicelib.recognition.results.watson_results import (
    RecognizedUtterance,
    assemble,
    assemble_final,
    assemble_interim,
)

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
times_s = st.floats(-1, 130)
slots = st.builds(
    WordSlot,
    start_s=times_s,
    end_s=times_s,
    alternatives=st.lists(
        st.tuples(st.sampled_from(["line", "lime", "uh", "um", "shit"]), st.floats(0.0, 1.0)), max_size=4
    ).map(tuple),
)
hits = st.builds(
    KeywordHit,
    keyword=st.sampled_from(["line", "several lines"]),
    start_s=times_s,
    end_s=times_s,
    posterior=st.floats(-0.01, 1.01),
)
utterances = st.builds(
    RecognizedUtterance,
    start_s=st.floats(0, 600),
    decoded=st.builds(
        DecodedUtterance,
        hypotheses=st.lists(hypotheses, max_size=6).map(tuple),
        slots=st.lists(slots, max_size=4).map(tuple),
        keywords=st.lists(hits, max_size=4).map(tuple),
    ),
    ending=st.sampled_from(["silence", "reset", "end_of_data"]),
)
all_options = st.builds(
    Options,
    timestamps=st.booleans(),
    word_confidence=st.booleans(),
    max_alternatives=st.integers(1, 5),
    keywords=st.sampled_from([(), ("Line", "several  lines", "storm")]),
    keywords_threshold=st.floats(0.0, 1.0),
    word_alternatives_threshold=st.none() | st.floats(0.0, 1.0),
    split_transcript_at_phrase_end=st.booleans(),
    smart_formatting=st.booleans(),
    redaction=st.booleans(),
    profanity_filter=st.booleans(),
    character_insertion_bias=st.floats(-1.0, 1.0),
)


def numbers(value: object) -> list[float]:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [number for item in value for number in numbers(item)] if isinstance(value, list) else []


@given(spoken=st.lists(utterances, max_size=5), duration_s=st.floats(0.0, 700.0), options=all_options)
def test_every_option_keeps_times_inside_and_confidences_between_0_and_1(
    spoken: list[RecognizedUtterance], duration_s: float, options: Options
) -> None:
    answer = json.loads(json.dumps(assemble(spoken, duration_s, options), allow_nan=False))
    assert all(round(number, 2) == number for number in numbers(answer))
    for result in answer["results"]:
        matches = [match for found in result.get("keywords_result", {}).values() for match in found]
        for timed in [*matches, *result.get("word_alternatives", [])]:
            assert 0.0 <= timed["start_time"] <= timed["end_time"] <= duration_s
        places = [one for place in result.get("word_alternatives", []) for one in place["alternatives"]]
        assert all(0.0 <= one["confidence"] <= 1.0 for one in [*matches, *places])
        assert ("keywords_result" in result) == bool(options.keywords)
        assert ("word_alternatives" in result) == (options.word_alternatives_threshold is not None)
        assert ("end_of_utterance" in result) == options.split_transcript_at_phrase_end
        assert ("timestamps" in result["alternatives"][0]) == options.timestamps
        assert len(result["alternatives"]) <= options.max_alternatives


@given(spoken=st.lists(utterances, max_size=5), options=all_options)
def test_one_utterance_at_a_time_gives_the_same_results(
    spoken: list[RecognizedUtterance], options: Options
) -> None:
    clock = WordClock(100.0)
    one_by_one = []
    for utterance in spoken:
        for reading in utterance.decoded.hypotheses:
            interim = assemble_interim(reading, utterance.start_s, clock, options)
            assert interim["final"] is False
            assert interim["alternatives"][0].keys() <= {"transcript", "timestamps"}
        one_by_one += assemble_final(utterance, clock, options)
    assert one_by_one == assemble(spoken, 100.0, options)["results"]


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


def test_each_result_is_told_as_soon_as_it_is_known() -> None:
    told: list[Any] = []
    before = []

    def utterances() -> Iterator[RecognizedUtterance]:
        for number, text in enumerate(("heavy rain", "", "over the hills")):
            before.append(len(told))
            yield utterance(5.0 * number, *([hypothesis(text)] if text else []))

    answer = assemble(utterances(), 20.0, Options(), told.append)
    assert told == answer["results"]
    assert before == [0, 1, 1]


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


def heard(*timed: tuple[str, float, float]) -> Hypothesis:
    return Hypothesis(tuple(Word(text, start_s, end_s, 0.9) for text, start_s, end_s in timed), 0.5)


CARD = heard(("i", 0.1, 0.2), ("have", 0.2, 0.5), ("a", 0.5, 0.6), ("card", 0.6, 1.0))
NUMBER = heard(
    ("the", 1.4, 1.5), ("number", 1.5, 2.0), ("is", 2.0, 2.2), ("one", 2.2, 2.5), ("two", 3.1, 3.4)
)


def test_a_transcript_is_split_where_phrases_end() -> None:
    spoken = utterance(10.0, Hypothesis(CARD.words + NUMBER.words, 0.5))
    options = Options(split_transcript_at_phrase_end=True, timestamps=True)
    first, second = assemble_final(spoken, WordClock(20.0), options)
    assert first["end_of_utterance"] == "full_stop"
    assert second["end_of_utterance"] == "silence"
    assert first["alternatives"][0]["transcript"] == "i have a card "
    assert second["alternatives"][0]["transcript"] == "the number is one two "
    assert second["alternatives"][0]["timestamps"][0] == ["the", 11.4, 11.5]
    (whole,) = assemble_final(spoken, WordClock(20.0), Options())
    assert "end_of_utterance" not in whole


def test_an_interim_result_is_as_it_was_heard() -> None:
    reading = heard(("uh", 0.0, 0.2), ("twenty", 0.3, 0.5), ("five", 0.5, 0.8), ("shit", 0.8, 1.0))
    options = Options(smart_formatting=True, timestamps=True, word_confidence=True, max_alternatives=3)
    clock = WordClock()
    result = assemble_interim(reading, 2.0, clock, options)
    assert result["final"] is False
    assert result["alternatives"][0]["transcript"] == "%HESITATION twenty five **** "
    assert result["alternatives"][0]["timestamps"][3] == ["****", 2.8, 3.0]
    assert clock.read(2.5) == 2.5, "what is not final holds nothing up"


def test_redacted_digits_are_shown_nowhere() -> None:
    spoken = utterance(0.0, hypothesis("um my code is four one four seven two"))
    options = Options(redaction=True, smart_formatting=True, timestamps=True, word_confidence=True)
    (result,) = assemble_final(spoken, WordClock(20.0), options)
    (reading,) = result["alternatives"]
    assert reading["transcript"] == "my code is XXXXX "
    shown = [word for word, _, _ in reading["timestamps"]]
    assert shown == ["%HESITATION", "my", "code", "is", "X", "X", "X", "X", "X"]
    assert [word for word, _ in reading["word_confidence"]] == shown


def test_a_grammar_has_no_space_at_the_end() -> None:
    (result,) = assemble_final(
        utterance(0.0, hypothesis("yes")), WordClock(), Options(grammar_name="confirm")
    )
    assert result["alternatives"][0]["transcript"] == "yes"
