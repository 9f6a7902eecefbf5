"""Results as text and captions."""

from __future__ import annotations

import itertools
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from attune_cli import captions


def result(transcript: str, times: list[tuple[str, float, float]], **more: Any) -> dict[str, Any]:
    return {
        "final": True,
        "alternatives": [{"transcript": transcript, "timestamps": [list(t) for t in times], **more}],
    }


def document(*results: dict[str, Any]) -> dict[str, Any]:
    return {"result_index": 0, "results": list(results)}


HELLO = document(
    result("hello there ", [("hello", 0.5, 0.9), ("there", 0.9, 1.25)], written="Hello, there."),
    result("%HESITATION fine ", [("%HESITATION", 3600.0, 3600.2), ("fine", 3600.2, 3601.0)]),
)


def test_text_is_as_it_is_written() -> None:
    assert captions.rendered(HELLO, "txt") == "Hello, there.\nfine"


def test_srt() -> None:
    assert captions.rendered(HELLO, "srt") == (
        "1\n00:00:00,500 --> 00:00:01,250\nHello, there.\n\n2\n01:00:00,000 --> 01:00:01,000\nfine\n"
    )


def test_vtt_escapes_what_webvtt_reads_as_markup() -> None:
    marked = document(result("a ", [("a", 0.0, 1.0)], written="<b>&"))
    assert captions.rendered(marked, "vtt") == "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n&lt;b&gt;&amp;\n"


def test_tsv_is_in_milliseconds() -> None:
    assert captions.rendered(HELLO, "tsv").splitlines() == [
        "start\tend\ttext",
        "500\t1250\tHello, there.",
        "3600000\t3601000\tfine",
    ]


def test_silence_is_empty() -> None:
    assert [captions.rendered(document(), form) for form in ("txt", "srt", "vtt", "tsv")] == [
        "",
        "",
        "WEBVTT\n",
        "start\tend\ttext",
    ]


def test_the_results_of_a_job_come_last() -> None:
    assert captions.joined([{"processing_metrics": {}}, HELLO]) == HELLO
    assert captions.joined([]) == document()


_words = st.lists(
    st.tuples(st.text("abcdefgh.,?", min_size=1, max_size=14), st.floats(0.05, 3.0), st.floats(0, 2.0)),
    min_size=1,
    max_size=60,
)


@given(_words, st.integers(1, 5))
def test_captions_hold_every_word_in_order_and_are_short(
    words: list[tuple[str, float, float]], joins: int
) -> None:
    """Also where what is written has fewer words than what is spoken."""
    at_s, times = 0.0, []
    for word, lasts_s, pause_s in words:
        times.append((word, at_s, at_s + lasts_s))
        at_s += lasts_s + pause_s
    spoken = [word for word, _, _ in words]
    written = ["".join(spoken[place : place + joins]) for place in range(0, len(spoken), joins)]
    made = captions.cues(document(result(" ".join(spoken), times, written=" ".join(written))))
    assert " ".join(cue.text for cue in made).split() == written
    assert all(cue.start_s < cue.end_s for cue in made)
    assert all(one.start_s <= other.start_s for one, other in itertools.pairwise(made))
    for cue in made:
        assert len(cue.text) <= 84 or " " not in cue.text
        assert cue.end_s - cue.start_s <= 7.0 or " " not in cue.text
    srt = captions.rendered(document(result(" ".join(spoken), times, written=" ".join(written))), "srt")
    assert len(re.findall(r"^\d\d:\d\d:\d\d,\d\d\d --> \d\d:\d\d:\d\d,\d\d\d$", srt, re.MULTILINE)) == len(
        made
    )
