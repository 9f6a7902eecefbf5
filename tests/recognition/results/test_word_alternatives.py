"""Places of the confusion network, as Watson tells of them."""

from __future__ import annotations

from chalicelib.engines.protocol import WordSlot
from chalicelib.recognition.function.transcription import decoding_options
from chalicelib.recognition.request.options import Options
from chalicelib.recognition.results.clock import WordClock
from chalicelib.recognition.results.word_alternatives import word_alternatives

SLOTS = (
    WordSlot(0.0, 0.301, (("uh", 0.3), ("um", 0.25), ("a", 0.2))),
    WordSlot(0.3, 0.8, (("line", 0.6), ("lime", 0.3))),
    WordSlot(0.8, 1.2, (("shit", 0.35), ("sheet", 0.33))),
)


def test_words_that_reach_the_threshold_likeliest_first() -> None:
    places = word_alternatives(SLOTS, 5.0, WordClock(60.0), Options(word_alternatives_threshold=0.3))
    assert places == [
        {
            "start_time": 5.0,
            "end_time": 5.3,
            "alternatives": [{"confidence": 0.55, "word": "%HESITATION"}],
        },
        {
            "start_time": 5.3,
            "end_time": 5.8,
            "alternatives": [{"confidence": 0.6, "word": "line"}, {"confidence": 0.3, "word": "lime"}],
        },
        {
            "start_time": 5.8,
            "end_time": 6.2,
            "alternatives": [{"confidence": 0.35, "word": "****"}, {"confidence": 0.33, "word": "sheet"}],
        },
    ]


def test_places_without_such_a_word_are_left_out() -> None:
    places = word_alternatives(SLOTS, 0.0, WordClock(), Options(word_alternatives_threshold=0.6))
    assert [place["start_time"] for place in places] == [0.3]


def test_a_network_is_wanted_only_with_a_threshold() -> None:
    assert word_alternatives(SLOTS, 0.0, WordClock(), Options()) == []
    assert decoding_options(Options(word_alternatives_threshold=0.0)).word_alternatives
    assert not decoding_options(Options()).word_alternatives
