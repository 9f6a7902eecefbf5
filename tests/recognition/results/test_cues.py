"""Results to cues: lengths, lines, voices."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.recognition.results import cues
from chalicelib.recognition.results.cues import LINE_COLUMNS, LONGEST_S, NoTimes, columns


def result(text: str, *, start_s: float = 0.0, word_s: float = 0.4, **more: Any) -> dict[str, Any]:
    """What recognition answers where each word takes as long; the text is the written one."""
    words = text.split()
    times = [[start_s + word_s * place, start_s + word_s * (place + 1)] for place in range(len(words))]
    spoken = [[word.lower().strip(".,?!"), *time] for word, time in zip(words, times, strict=True)]
    written = [[word, *time] for word, time in zip(words, times, strict=True)]
    best = {"transcript": f"{text} ", "confidence": 0.9, "timestamps": spoken, "written_timestamps": written}
    return {"final": True, "alternatives": [best], **more}


def texts(*results: dict[str, Any], **more: Any) -> list[str]:
    return [cue.text for cue in cues.cues({"results": list(results), **more})]


def test_a_short_result_is_one_cue() -> None:
    (cue,) = cues.cues({"results": [result("Good morning, Vienna.", start_s=2.0)]})
    assert (cue.start_s, cue.end_s, cue.text, cue.lines) == (
        2.0,
        3.2,
        "Good morning, Vienna.",
        [
            "Good morning, Vienna.",
        ],
    )
    assert (cue.voice, cue.confidence) == (None, 0.9)


def test_spoken_words_are_shown_where_nothing_is_written_and_hesitations_are_not() -> None:
    heard = result("well um yes")
    (best,) = heard["alternatives"]
    del best["written_timestamps"]
    best["timestamps"][1][0] = "%HESITATION"
    assert texts(heard) == ["well yes"]


def test_a_long_result_ends_its_cues_with_sentences_and_clauses() -> None:
    said = (
        "The water was turned off at seven this morning. It will be back by noon, says the works, "
        "unless they find another pipe that is as old as the one that broke."
    )
    shown = texts(result(said, word_s=0.25))
    assert " ".join(shown) == said
    assert shown[0] == "The water was turned off at seven this morning."
    assert shown[1].endswith("says the works,")


@pytest.mark.parametrize("results", [[result("one"), {"final": True, "alternatives": [{}]}]])
def test_results_without_times_are_refused(results: list[dict[str, Any]]) -> None:
    with pytest.raises(NoTimes):
        cues.cues({"results": results})


def test_what_is_not_final_is_not_shown() -> None:
    assert texts({"final": False, "alternatives": [{"transcript": "w "}]}) == []


def test_a_new_speaker_begins_a_new_cue() -> None:
    heard = result("Who is there? It is me.")
    words = heard["alternatives"][0]["timestamps"]
    labels = [
        {"from": start_s, "to": end_s, "speaker": 0 if place < 3 else 1}
        for place, (_, start_s, end_s) in enumerate(words)
    ]
    found = cues.cues({"results": [heard], "speaker_labels": labels})
    assert [(cue.voice, cue.text) for cue in found] == [
        ("Speaker 0", "Who is there?"),
        ("Speaker 1", "It is me."),
    ]


def test_channels_overlap_and_keep_their_voices() -> None:
    found = cues.cues(
        {
            "results": [
                result("I would like to", start_s=0.0, channel=0),
                result("Yes.", start_s=0.5, channel=1),
            ],
            "speaker_labels": [{"from": 0.5, "to": 0.9, "speaker": 1}],
        }
    )
    assert [(cue.start_s, cue.end_s, cue.voice) for cue in found] == [
        (0.0, 1.6, "Channel 0"),
        (0.5, 1.5, "Channel 1"),
    ]


def test_a_silence_inside_a_result_hides_the_cue() -> None:
    heard = result("Wait. Now.")
    for name in ("timestamps", "written_timestamps"):
        heard["alternatives"][0][name][1][1:] = [4.0, 4.4]
    found = cues.cues({"results": [heard]})
    assert [(cue.start_s, cue.end_s) for cue in found] == [(0.0, 1.0), (4.0, 5.0)]


def test_two_lines_are_even_and_break_at_a_comma() -> None:
    (cue,) = cues.cues({"results": [result("He asked for water, but the kettle was still too hot.")]})
    assert cue.lines == ["He asked for water,", "but the kettle was still too hot."]


def test_wide_characters_take_two_columns() -> None:
    assert (columns("어제 abc"), columns("é")) == (8, 1)
    shown = texts(result("가나다라마바 " * 30, word_s=0.2))
    assert all(columns(line) <= LINE_COLUMNS for text in shown for line in cues._lines(text))


_WORDS = st.lists(
    st.tuples(
        st.text("abc.,?é語", min_size=1, max_size=12), st.floats(0.05, 1.5), st.sampled_from([0.0, 0.1, 2.0])
    ),
    min_size=1,
    max_size=60,
)


@given(_WORDS)
def test_nothing_is_lost_and_every_cue_can_be_read(spoken: list[tuple[str, float, float]]) -> None:
    time_s = 0.0
    words: list[tuple[str, float, float]] = []
    for text, long_s, pause_s in spoken:
        start_s = round(time_s + pause_s, 2)
        time_s = round(start_s + long_s, 2)
        words.append((text, start_s, time_s))
    best = {"transcript": "", "confidence": 0.5, "timestamps": words}
    found = cues.cues({"results": [{"final": True, "alternatives": [best]}]})
    assert " ".join(cue.text for cue in found).split() == [word[0] for word in words]
    for cue in found:
        assert len(cue.lines) <= 2
        assert all(columns(line) <= LINE_COLUMNS for line in cue.lines)
        assert cue.start_s < cue.end_s <= cue.start_s + max(LONGEST_S, 1.5) + 0.01
    assert all(one.end_s <= other.start_s for one, other in pairwise(found))
