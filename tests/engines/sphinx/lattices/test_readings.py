"""The n best readings of lattices, against every path."""

from __future__ import annotations

import dataclasses
import itertools
import zlib

import numpy as np
from hypothesis import given

from chalicelib.engines.sphinx.lattices.lattice import Lattice
from chalicelib.engines.sphinx.lattices.readings import LEAST_POSTERIOR, best_path, readings
from tests.engines.sphinx.lattices.lattices import lattices, paths


def _language(word: str, last: str, before: str) -> float:
    return -(zlib.crc32(f"{word} {last} {before}".encode()) % 1000) / 100


def _score(words: tuple[str, ...]) -> float:
    said = ["<s>", *words, "</s>"]
    return sum(
        _language(word, said[place], said[place - 1] if place else "") for place, word in enumerate(said[1:])
    )


@given(lattices())
def test_different_readings_come_in_the_order_of_their_scores(lattice: Lattice) -> None:
    best: dict[tuple[str, ...], float] = {}
    for path in paths(lattice):
        if lattice.posteriors[list(path.links)].min() >= LEAST_POSTERIOR:
            words = tuple(lattice.words[node] for node in path.nodes if lattice.words[node])
            score = float(lattice.scores[list(path.links)].sum()) + _score(words)
            best[words] = max(score, best.get(words, -np.inf))
    found = [
        (tuple(arc.text for arc in reading.words), reading.score) for reading in readings(lattice, _language)
    ]
    assert len({words for words, _ in found}) == len(found)
    assert dict(found).keys() == best.keys()
    assert np.allclose([score for _, score in found], sorted(best.values(), reverse=True))
    assert all(np.isclose(score, best[words]) for words, score in found)


@given(lattices())
def test_a_reading_has_times_of_its_own(lattice: Lattice) -> None:
    arcs = {(arc.text, arc.first_frame, arc.last_frame) for arc in lattice.arcs}
    for reading in readings(lattice, _language):
        assert all((arc.text, arc.first_frame, arc.last_frame) in arcs for arc in reading.words)
        assert all(0 <= arc.posterior <= 1 for arc in reading.words)
        assert all(
            before.last_frame < after.first_frame for before, after in itertools.pairwise(reading.words)
        )


@given(lattices())
def test_the_best_path_is_the_first_reading(lattice: Lattice) -> None:
    followed = dataclasses.replace(lattice, posteriors=np.maximum(lattice.posteriors, 1e-2))
    path = best_path(followed, _language)
    first = next(readings(followed, _language))
    assert path is not None
    assert [(word.text, word.first_frame) for word in path] == [
        (word.text, word.first_frame) for word in first.words
    ]
    assert all(0 < word.posterior <= 1 for word in path)


def test_links_too_unlikely_are_no_path() -> None:
    nothing = Lattice(
        ("", ""), np.array([0, 9]), np.array([0]), np.array([1]), np.zeros(1), np.zeros(1), 0, 1, 10
    )
    assert best_path(nothing, _language) is None
    assert best_path(dataclasses.replace(nothing, posteriors=np.ones(1)), _language) == ()
