"""Confusion networks: places in order, words that compete."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given

from chalicelib.engines.sphinx.lattices.confusion import confusion_network
from chalicelib.engines.sphinx.lattices.lattice import Arc, Lattice
from tests.engines.sphinx.lattices.lattices import lattices, paths


def _best(lattice: Lattice) -> list[Arc]:
    likeliest = max(paths(lattice), key=lambda path: path.probability)
    return [
        Arc(
            lattice.words[lattice.sources[link]],
            int(lattice.first_frames[lattice.sources[link]]),
            int(lattice.first_frames[lattice.targets[link]]) - 1,
            float(lattice.posteriors[link]),
        )
        for link in likeliest.links
        if lattice.words[lattice.sources[link]]
    ]


@given(lattices())
def test_places_are_in_order_and_hold_the_best_words(lattice: Lattice) -> None:
    best = _best(lattice)
    slots = confusion_network(lattice, best)
    assert all(slot.start_s < slot.end_s for slot in slots)
    assert all(before.end_s <= after.start_s for before, after in itertools.pairwise(slots))
    for slot in slots:
        words = [word for word, _ in slot.alternatives]
        posteriors = [posterior for _, posterior in slot.alternatives]
        assert words
        assert len(set(words)) == len(words)
        assert "" not in words
        assert posteriors == sorted(posteriors, reverse=True)
        assert all(0 <= posterior <= 1 for posterior in posteriors)
        assert sum(posteriors) <= 1 + 1e-9
    left = iter(slots)
    for word in best:
        assert any(
            word.text in dict(slot.alternatives)
            and (slot.start_s, slot.end_s) == (word.first_frame / 100, (word.last_frame + 1) / 100)
            for slot in left
        )


def test_words_that_overlap_compete_and_their_times_are_summed() -> None:
    lattice = Lattice(
        words=("", "two", "too", "two", "go", ""),
        first_frames=np.array([0, 10, 11, 12, 30, 60], np.int32),
        sources=np.array([0, 0, 0, 1, 2, 3, 4], np.int32),
        targets=np.array([1, 2, 3, 4, 4, 4, 5], np.int32),
        scores=np.zeros(7),
        posteriors=np.array([0.4, 0.35, 0.25, 0.4, 0.35, 0.25, 1.0]),
        start=0,
        end=5,
        frames=61,
    )
    first, second = confusion_network(lattice, [Arc("two", 10, 29, 0.4), Arc("go", 30, 59, 1.0)])
    assert [word for word, _ in first.alternatives] == ["two", "too"]
    assert np.allclose([posterior for _, posterior in first.alternatives], [0.65, 0.35])
    assert (first.start_s, first.end_s) == (0.1, 0.3)
    assert second.alternatives == (("go", 1.0),)


def test_a_word_where_the_best_reading_has_none_gets_a_place() -> None:
    lattice = Lattice(
        words=("", "a", "", "go", ""),
        first_frames=np.array([0, 10, 10, 30, 60], np.int32),
        sources=np.array([0, 0, 1, 2, 3], np.int32),
        targets=np.array([1, 2, 3, 3, 4], np.int32),
        scores=np.zeros(5),
        posteriors=np.array([0.3, 0.7, 0.3, 0.7, 1.0]),
        start=0,
        end=4,
        frames=61,
    )
    slots = confusion_network(lattice, [Arc("go", 30, 59, 1.0)])
    assert [slot.alternatives for slot in slots] == [(("a", 0.3),), (("go", 1.0),)]
