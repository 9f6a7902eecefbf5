"""The held-out split: the same in every run, spread over all recordings, never learned from."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from training_image.speech.held_out import held_out_count, split
from training_image.speech.utterances import Utterance


def _utterances(counts: list[int], folder: str = "/one") -> list[Utterance]:
    return [
        Utterance(f"call-{name}", None, at * 5.0, at * 5.0 + 4, Path(folder), 8000, at * 40_000, 32_000)
        for name, count in enumerate(counts)
        for at in range(count)
    ]


@settings(deadline=None)
@given(counts=st.lists(st.integers(0, 80), max_size=12))
def test_every_utterance_is_on_one_side(counts: list[int]) -> None:
    utterances = _utterances(counts)
    adaptation, held_out = split(utterances)
    place = {utterance: index for index, utterance in enumerate(utterances)}
    assert sorted((*adaptation, *held_out), key=place.__getitem__) == utterances
    assert list(adaptation) == sorted(adaptation, key=place.__getitem__)
    assert len(held_out) == held_out_count(len(utterances))


@settings(deadline=None)
@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_the_split_does_not_depend_on_where_the_audio_lies(counts: list[int]) -> None:
    one, other = split(_utterances(counts))[1], split(_utterances(counts, folder="/other"))[1]
    assert [utterance.key for utterance in one] == [utterance.key for utterance in other]


@settings(deadline=None)
@given(counts=st.lists(st.integers(30, 60), min_size=2, max_size=12))
def test_every_long_recording_is_heard(counts: list[int]) -> None:
    _, held_out = split(_utterances(counts))
    heard = Counter(utterance.audio_name for utterance in held_out)
    assert len(heard) == len(counts)
    assert max(heard.values()) <= min(heard.values()) * 6


def test_a_tenth_is_held_out_but_neither_too_few_nor_too_many() -> None:
    totals = [0, 1, 2, 8, 40, 100, 1000, 50_000]
    assert [held_out_count(total) for total in totals] == [0, 0, 1, 2, 10, 20, 100, 300]
