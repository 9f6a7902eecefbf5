"""Keywords found in lattices, against every path."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.engines.protocol import KeywordHit
from chalicelib.engines.sphinx.lattices import spotting
from chalicelib.engines.sphinx.lattices.lattice import Lattice
from tests.engines.sphinx.lattices.lattices import Path, lattices, paths

phrases = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(" ".join)


def _occurrences(lattice: Lattice, path: Path, phrase: str) -> list[tuple[int, int]]:
    """Return where a path says a phrase without a gap of more than a tenth of a second."""
    spans = [
        (lattice.words[source], int(lattice.first_frames[source]), int(lattice.first_frames[target]) - 1)
        for source, target in itertools.pairwise(path.nodes)
        if lattice.words[source]
    ]
    words = phrase.split()
    return [
        (spans[place][1], spans[place + len(words) - 1][2])
        for place in range(len(spans) - len(words) + 1)
        if [text for text, _, _ in spans[place : place + len(words)]] == words
        and all(
            after[1] - before[2] - 1 <= spotting.LONGEST_GAP_FRAMES
            for before, after in itertools.pairwise(spans[place : place + len(words)])
        )
    ]


@given(lattices(), phrases)
def test_hits_are_what_the_paths_say(lattice: Lattice, phrase: str) -> None:
    hits = spotting.spot(lattice, {phrase: [phrase.split()]})
    said = [(path.probability, _occurrences(lattice, path, phrase)) for path in paths(lattice)]
    anywhere = sum(probability for probability, spans in said if spans)
    assert bool(hits) == (max(_by_frame(said), default=0) >= spotting.LEAST_POSTERIOR)
    for hit in hits:
        first, last = round(hit.start_s * 100), round(hit.end_s * 100) - 1
        exactly = sum(probability for probability, spans in said if (first, last) in spans)
        assert exactly - 1e-5 <= hit.posterior <= 1
        if len(phrase.split()) == 1:
            assert hit.posterior <= anywhere + 1e-5
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(hits))


def _by_frame(said: list[tuple[float, list[tuple[int, int]]]]) -> list[float]:
    frames = [0.0] * 100
    for probability, spans in said:
        for first, last in spans:
            for frame in range(first, last + 1):
                frames[frame] += probability
    return frames


def _phrase(gap: int) -> Lattice:
    return Lattice(
        words=("", "new", "", "york", "newark", ""),
        first_frames=np.array([0, 10, 20, 20 + gap, 9, 60], np.int32),
        sources=np.array([0, 1, 2, 3, 0, 4], np.int32),
        targets=np.array([1, 2, 3, 5, 4, 5], np.int32),
        scores=np.zeros(6),
        posteriors=np.array([0.2, 0.2, 0.2, 0.2, 0.8, 0.8]),
        start=0,
        end=5,
        frames=61,
    )


def _spotted(lattice: Lattice, *keywords: str) -> tuple[KeywordHit, ...]:
    return spotting.spot(lattice, {keyword: [keyword.split()] for keyword in keywords})


@pytest.mark.parametrize(("gap", "hit"), [(10, True), (11, False)])
def test_a_phrase_off_the_best_path_is_hit_unless_it_is_torn_apart(gap: int, hit: bool) -> None:
    hits = _spotted(_phrase(gap), "new york", "newark", "york")
    assert [hit.keyword for hit in hits] == ["newark", *(["new york"] if hit else []), "york"]
    assert all((found.posterior == pytest.approx(0.2)) is (found.keyword != "newark") for found in hits)


def test_what_is_not_in_the_lattice_is_no_hit() -> None:
    assert _spotted(_phrase(1), "boston", "york new", "new york city", "") == ()


def test_all_ways_to_say_a_keyword_are_one_hit() -> None:
    (hit,) = spotting.spot(_phrase(1), {"big apple": [["new", "york"], ["newark"], ["big", "apple"]]})
    assert hit.keyword == "big apple"
    assert hit.posterior == pytest.approx(1.0)
