"""Cutting recordings into utterances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import Samples
from chalicelib.recognition.recordings import Recording
from chalicelib.recognition.utterances import LONGEST_S, MARGIN_S, Span, cut, find
from tests.audio import signals

RATE_HZ = 8000


def recording(samples: signals.Samples) -> Recording:
    return Recording(np.round(samples * 32767).astype(np.int16), RATE_HZ)


def blank(duration_s: float) -> Recording:
    return Recording(np.zeros(round(duration_s * RATE_HZ), np.int16), RATE_HZ)


def spans(*seconds: tuple[float, float]) -> list[Span]:
    return [Span(round(start_s * RATE_HZ), round(end_s * RATE_HZ)) for start_s, end_s in seconds]


def sounds(*parts: tuple[str, float]) -> Recording:
    """A recording of "voice" and "silence" (with the faint noise of a quiet room) of so many seconds each."""
    made: list[Samples] = []
    for kind, duration_s in parts:
        made.append(signals.noise(duration_s, RATE_HZ, level=0.0005, seed=len(made)))
        if kind == "voice":
            made[-1] += signals.voice(duration_s, RATE_HZ)
    return recording(np.clip(np.concatenate(made), -1, 1))


@st.composite
def speech_in_recordings(draw: st.DrawFn) -> tuple[list[Span], Recording]:
    lengths = draw(st.lists(st.floats(0.04, 200.0), max_size=12))
    edges = [round(second * RATE_HZ) for second in itertools.accumulate(lengths)]
    total = (edges[-1] if edges else 0) + round(draw(st.floats(0.0, 3.0)) * RATE_HZ)
    speech = [Span(start, end) for start, end in zip(edges[::2], edges[1::2], strict=False)]
    return speech, Recording(np.zeros(total, np.int16), RATE_HZ)


@given(case=speech_in_recordings(), pause_s=st.floats(0.0, 120.0))
def test_utterances_cover_all_speech_in_order(case: tuple[list[Span], Recording], pause_s: float) -> None:
    speech, whole = case
    utterances = cut(speech, whole, pause_s)
    assert all(0 <= span.start < span.end <= len(whole.pcm) for span in utterances)
    assert all(before.end <= after.start for before, after in itertools.pairwise(utterances))
    assert all(span.end - span.start <= LONGEST_S * RATE_HZ for span in utterances)
    for stretch in speech:
        covered = sum(
            max(0, min(span.end, stretch.end) - max(span.start, stretch.start)) for span in utterances
        )
        assert covered == stretch.end - stretch.start


@given(case=speech_in_recordings(), pause_s=st.floats(0.1, 120.0))
def test_only_long_pauses_and_forced_cuts_separate_utterances(
    case: tuple[list[Span], Recording], pause_s: float
) -> None:
    speech, whole = case
    utterances = cut(speech, whole, pause_s)
    inside = [before for before, after in itertools.pairwise(utterances) if before.end == after.start]
    pauses = [after.start - before.end for before, after in itertools.pairwise(speech)]
    long_pauses = sum(pause >= round(pause_s * RATE_HZ) for pause in pauses)
    forced = sum(
        any(stretch.start < span.end < stretch.end for stretch in speech)
        or span.end - span.start > (LONGEST_S - 21) * RATE_HZ
        for span in inside
    )
    assert len(utterances) - forced <= long_pauses + bool(speech)
    assert len(utterances) >= long_pauses + bool(speech)


def test_margins_do_not_reach_into_the_neighbour() -> None:
    utterances = cut(spans((1.0, 2.0), (2.4, 3.0), (5.0, 5.9)), blank(6.0), 0.2)
    assert utterances == spans((1.0 - MARGIN_S, 2.2), (2.2, 3.0 + MARGIN_S), (5.0 - MARGIN_S, 6.0))


@pytest.mark.parametrize(("pause_s", "expected"), [(0.5, 3), (1.0, 2), (2.5, 1)])
def test_the_length_of_a_pause_decides(pause_s: float, expected: int) -> None:
    whole = sounds(("silence", 1), ("voice", 2), ("silence", 0.8), ("voice", 2), ("silence", 2), ("voice", 2))
    assert len(find(whole, pause_s)) == expected


def test_a_forced_cut_lies_where_it_is_quiet() -> None:
    whole = sounds(("voice", 110.0), ("silence", 0.4), ("voice", 40.0))
    first, second = find(whole, 0.8)
    assert first.end == second.start
    assert 110.0 < first.end / RATE_HZ < 110.4


@pytest.mark.parametrize("hiss", [0.0, 0.0005, 0.005])
def test_a_pause_is_one_on_a_line_that_hisses(hiss: float) -> None:
    made = sounds(("silence", 1.5), ("voice", 2), ("silence", 1.5), ("voice", 2), ("silence", 1.5))
    noise = np.round(signals.noise(8.5, RATE_HZ, level=hiss) * 32767).astype(np.int16)
    found = find(Recording(made.pcm + noise, RATE_HZ), 0.8)
    assert len(found) == 2
    for span, start_s in zip(found, (1.5, 5.0), strict=True):
        assert start_s - 0.5 < span.start / RATE_HZ <= start_s
        assert start_s + 2.0 <= span.end / RATE_HZ < start_s + 2.5


def test_faint_speech_is_found() -> None:
    faint = sounds(("silence", 1), ("voice", 3), ("silence", 1)).pcm // 60
    found = find(Recording(faint.astype(np.int16), RATE_HZ), 0.8)
    assert found
    assert found[0].start <= 1.2 * RATE_HZ
    assert found[-1].end >= 3.8 * RATE_HZ


@pytest.mark.parametrize(
    "samples",
    [
        np.empty(0, np.float32),
        signals.silence(3, RATE_HZ),
        signals.noise(3, RATE_HZ),
        signals.tone(3, RATE_HZ),
    ],
    ids=["empty", "silence", "noise", "tone"],
)
def test_where_nobody_speaks_there_is_no_utterance(samples: signals.Samples) -> None:
    assert find(recording(samples), 0.8) == []
