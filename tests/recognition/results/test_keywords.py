"""Keywords that were spotted, as Watson tells of them."""

from __future__ import annotations

from chalicelib.engines.protocol import DecodedUtterance, KeywordHit
from chalicelib.recognition.function.transcription import decoding_options
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.clock import WordClock
from chalicelib.recognition.results.keywords import keywords_result

OPTIONS = Options(keywords=("Tornado  Warning", "colorado", "storm"), keywords_threshold=0.5)


def test_engines_are_asked_for_normal_forms() -> None:
    assert decoding_options(OPTIONS).keywords == ("tornado warning", "colorado", "storm")
    assert decoding_options(Options(keywords=("Storm", "storm"), keywords_threshold=0.1)).keywords == (
        "storm",
    )
    assert decoding_options(Options()).keywords == ()


def test_matches_stand_under_the_keyword_as_it_was_written() -> None:
    spotted = DecodedUtterance(
        keywords=(
            KeywordHit("tornado warning", 1.0, 1.757, 0.814),
            KeywordHit("storm", 2.0, 2.4, 0.49),
            KeywordHit("tornado warning", 5.0, 5.5, 0.5),
        )
    )
    assert keywords_result(spotted, 10.0, WordClock(60.0), OPTIONS) == {
        "Tornado  Warning": [
            {
                "normalized_text": "tornado warning",
                "start_time": 11.0,
                "end_time": 11.76,
                "confidence": 0.81,
            },
            {"normalized_text": "tornado warning", "start_time": 15.0, "end_time": 15.5, "confidence": 0.5},
        ]
    }


WRITTEN = Options(keywords=("4", "check-in", "finished."), keywords_threshold=0.3)


def test_engines_are_asked_for_what_is_said() -> None:
    assert {"four", "check in", "finished"} <= set(decoding_options(WRITTEN).keywords)


def test_what_was_said_stands_under_the_keyword_as_it_was_written() -> None:
    spotted = DecodedUtterance(
        keywords=(
            KeywordHit("four", 0.0, 0.3, 0.9),
            KeywordHit("check in", 1.0, 1.5, 0.8),
            KeywordHit("finished", 2.0, 2.5, 0.7),
        )
    )
    found = keywords_result(spotted, 0.0, WordClock(), WRITTEN)
    assert {keyword: matches[0]["normalized_text"] for keyword, matches in found.items()} == {
        "4": "four",
        "check-in": "check in",
        "finished.": "finished",
    }


def test_a_place_that_several_forms_match_is_told_once() -> None:
    spotted = DecodedUtterance(
        keywords=(
            KeywordHit("4", 0.0, 0.3, 0.9),
            KeywordHit("four", 0.0, 0.3, 0.9),
            KeywordHit("four", 1.0, 1.3, 0.5),
            KeywordHit("4", 1.1, 1.3, 0.6),
        )
    )
    matches = keywords_result(spotted, 0.0, WordClock(), WRITTEN)["4"]
    assert [(one["normalized_text"], one["confidence"]) for one in matches] == [("four", 0.9), ("4", 0.6)]


def test_nothing_spotted_is_an_empty_object() -> None:
    assert keywords_result(DecodedUtterance(), 0.0, WordClock(), OPTIONS) == {}
    shy = DecodedUtterance(keywords=(KeywordHit("storm", 0.0, 1.0, 0.2),))
    assert keywords_result(shy, 0.0, WordClock(), Options()) == {}


def test_profane_keywords_are_shown() -> None:
    asked = Options(keywords=("shit",), keywords_threshold=0.5)
    spotted = DecodedUtterance(keywords=(KeywordHit("shit", 0.0, 1.0, 0.9),))
    assert keywords_result(spotted, 0.0, WordClock(), asked)["shit"][0]["normalized_text"] == "shit"
