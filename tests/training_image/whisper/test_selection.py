"""The surest readings teach, hard recordings stay in, and nothing that repeats itself does."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from training_image.speech.utterances import Utterance
from training_image.whisper import selection
from training_image.whisper.course import Course
from training_image.whisper.teacher import NOTHING, Read

COURSE = Course(kept_share=0.5, kept_of_recording=0.3)


def _utterances(members: list[str]) -> list[Utterance]:
    return [
        Utterance("calls", member, 10.0 * place, 10.0 * place + 3, Path("none"), 16_000, 0, 48_000)
        for place, member in enumerate(members)
    ]


def _taught(members: list[str], read: list[Read]) -> set[int]:
    return set(range(len(read))) - selection.left_out(_utterances(members), read, COURSE).keys()


def test_the_surest_half_teaches() -> None:
    scores = [-0.1 * place for place in range(20)]
    taught = _taught([str(place) for place in range(20)], [Read((1, 2), score) for score in scores])
    assert taught == set(range(10))


def test_some_of_a_hard_recording_teaches() -> None:
    members = ["easy"] * 20 + ["hard"] * 10
    read = [Read((1,), -0.1 - place / 1000) for place in range(20)]
    read += [Read((1,), -0.8 - place / 1000) for place in range(10)]
    taught = _taught(members, read)
    assert len([place for place in taught if place >= 20]) == 3


def test_a_hopeless_recording_does_not() -> None:
    members = ["easy"] * 20 + ["hopeless"] * 10
    read = [Read((1,), -0.1) for _ in range(20)] + [Read((1,), -1.6) for _ in range(10)]
    assert all(place < 20 for place in _taught(members, read))


def test_each_reason_is_said() -> None:
    read = [Read((1,), -0.1)] * 20 + [NOTHING, Read((1, 1, 1), -0.05, odd=True), Read((1,), -1.1)]
    left_out = selection.left_out(_utterances([str(place) for place in range(23)]), read, Course())
    assert left_out[20] == selection.NOTHING_HEARD
    assert left_out[21] == selection.IMPLAUSIBLE
    assert left_out[22] == selection.UNSURE


@given(
    st.lists(st.one_of(st.just(NOTHING), st.floats(-3, 0).map(lambda score: Read((1,), score))), max_size=60)
)
def test_nothing_unheard_teaches(read: list[Read]) -> None:
    taught = _taught([str(place % 7) for place in range(len(read))], read)
    assert all(read[place].heard and read[place].score >= selection.LEAST_SCORE for place in taught)


def test_the_mean_is_over_tokens() -> None:
    assert selection.mean_score([Read((1,), -1.0), Read((1, 2, 3, 4, 5), -0.5), NOTHING]) == -0.625
    assert selection.mean_score([NOTHING]) == float("-inf")
