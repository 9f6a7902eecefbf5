"""Cutting recordings into utterances."""

from __future__ import annotations

import itertools
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training_image.speech.segmentation import (
    LONGEST_S,
    MARGIN_S,
    WHOLE_S,
    SpeechSpan,
    quietest_place,
    utterance_spans,
)

RATE = 1000


def _middle(span: SpeechSpan) -> int:
    return (span.start + span.end) // 2


def _spans(*stretches_s: tuple[float, float], total_s: float) -> list[tuple[float, float]]:
    speech = [SpeechSpan(round(start * RATE), round(end * RATE)) for start, end in stretches_s]
    spans = utterance_spans(speech, round(total_s * RATE), RATE, _middle)
    return [(span.start / RATE, span.end / RATE) for span in spans]


@settings(deadline=None)
@given(
    stretches=st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 60_000)), max_size=30),
    tail=st.integers(0, 5000),
    places=st.randoms(use_true_random=False),
)
def test_utterances_cover_all_speech_and_never_overlap(
    stretches: list[tuple[int, int]], tail: int, places: Random
) -> None:
    speech, at = [], 0
    for pause, length in stretches:
        speech.append(SpeechSpan(at + pause, at + pause + length))
        at += pause + length
    total = at + tail
    spans = utterance_spans(speech, total, RATE, lambda span: places.randint(span.start, span.end))
    assert bool(spans) == bool(speech)
    covered = np.zeros(total, dtype=int)
    for before, after in itertools.pairwise(spans):
        assert before.end <= after.start
    for span in spans:
        assert 0 <= span.start < span.end <= total
        assert span.length <= LONGEST_S * RATE
        covered[span.start : span.end] += 1
    for stretch in speech:
        assert (covered[stretch.start : stretch.end] == 1).all()
    if total > WHOLE_S * RATE:
        unbroken = _unbroken(speech)
        for before, after in itertools.pairwise(spans):
            for stretch in unbroken:
                if stretch.start < before.end < stretch.end or stretch.start < after.start < stretch.end:
                    assert stretch.length > (LONGEST_S - 2 * MARGIN_S) * RATE


def _unbroken(speech: list[SpeechSpan]) -> list[SpeechSpan]:
    """Return the speech with stretches that touch made one."""
    unbroken = speech[:1]
    for stretch in speech[1:]:
        if stretch.start == unbroken[-1].end:
            unbroken[-1] = SpeechSpan(unbroken[-1].start, stretch.end)
        else:
            unbroken.append(stretch)
    return unbroken


def test_a_short_recording_stays_whole() -> None:
    assert _spans((1.0, 2.0), (5.0, 5.5), total_s=8.0) == [(0.0, 8.0)]


def test_a_recording_without_speech_gives_nothing() -> None:
    assert _spans(total_s=5.0) == []
    assert _spans(total_s=500.0) == []


def test_margins_of_silence_stay_and_are_shared_between_neighbours() -> None:
    assert _spans((2.0, 6.0), (7.0, 12.0), total_s=40.0) == [(1.7, 6.3), (6.7, 12.3)]
    assert _spans((0.1, 12.0), (12.81, 25.0), total_s=25.1) == [(0.0, 12.3), (12.51, 25.1)]


def test_a_breath_does_not_end_an_utterance() -> None:
    assert _spans((2.0, 6.0), (6.7, 12.0), total_s=40.0) == [(1.7, 12.3)]


def test_a_single_word_joins_its_neighbour_over_a_longer_pause() -> None:
    assert _spans((2.0, 2.5), (4.0, 12.0), total_s=40.0) == [(1.7, 12.3)]
    assert _spans((2.0, 2.5), (5.0, 12.0), total_s=40.0) == [(1.7, 2.8), (4.7, 12.3)]


def test_long_talk_is_cut_at_its_widest_pause() -> None:
    assert _spans((1.0, 9.0), (9.5, 16.0), (16.7, 24.0), total_s=40.0) == [(0.7, 16.3), (16.4, 24.3)]


def test_speech_without_a_pause_is_cut_at_the_quietest_place() -> None:
    asked = []

    def place(span: SpeechSpan) -> int:
        asked.append(span)
        return 15_500

    spans = utterance_spans([SpeechSpan(1000, 31_000)], 40_000, RATE, place)
    assert asked == [SpeechSpan(10_700, 20_400)]
    assert spans == [SpeechSpan(700, 15_500), SpeechSpan(15_500, 31_300)]


def test_the_quietest_place_is_found() -> None:
    rng = np.random.default_rng(1)
    samples = (rng.standard_normal(16_000) * 3000).astype(np.int16)
    samples[9600:11_200] //= 50
    assert 9600 <= quietest_place(samples, 16_000) - 800 <= quietest_place(samples, 16_000) + 800 <= 11_200


def test_a_few_samples_are_cut_in_the_middle() -> None:
    assert quietest_place(np.zeros(11, dtype=np.int16), 16_000) == 5
