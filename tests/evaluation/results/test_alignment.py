from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.evaluation.results import alignment
from chalicelib.evaluation.results.alignment import AlignmentStep
from chalicelib.language.edit_distance import edit_distance

WORDS = st.lists(st.sampled_from("abcd"), max_size=12)


@given(WORDS, WORDS)
def test_an_alignment_has_both_texts_and_the_fewest_errors(one: list[str], other: list[str]) -> None:
    steps = alignment.aligned(one, other)
    assert [step.reference for step in steps if step.operation != "inserted"] == one
    assert [step.recognized for step in steps if step.operation != "deleted"] == other
    assert sum(step.operation != "equal" for step in steps) == edit_distance(one, other)
    assert all((step.reference == step.recognized) == (step.operation == "equal") for step in steps)
    runs = alignment.runs(steps)
    assert [word for _, said, _ in runs for word in said] == one
    assert [word for _, _, heard in runs for word in heard] == other
    assert all(before[0] != after[0] for before, after in itertools.pairwise(runs))


def test_an_alignment_names_what_was_done() -> None:
    assert alignment.aligned(["the", "cat", "sat", "down"], ["a", "the", "cat", "sad"]) == [
        AlignmentStep("inserted", recognized="a"),
        AlignmentStep("equal", "the", "the"),
        AlignmentStep("equal", "cat", "cat"),
        AlignmentStep("deleted", "sat"),
        AlignmentStep("substituted", "down", "sad"),
    ]
