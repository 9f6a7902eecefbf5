"""Random lattices with the posteriors of their paths, small enough to look at every path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from chalicelib.engines.sphinx.lattices.lattice import Lattice

WORDS = ("", "", "a", "b", "c")
FRAMES = 60


class Path(NamedTuple):
    """One way through a lattice."""

    nodes: tuple[int, ...]
    links: tuple[int, ...]
    probability: float


@st.composite
def lattices(draw: st.DrawFn) -> Lattice:
    """Draw a lattice whose links' posteriors are those of bigram-like random scores."""
    count = draw(st.integers(3, 9))
    firsts = [0, *sorted(draw(st.lists(st.integers(1, FRAMES - 2), min_size=count - 2, max_size=count - 2)))]
    firsts.append(FRAMES - 1)
    words = ["", *draw(st.lists(st.sampled_from(WORDS), min_size=count - 2, max_size=count - 2)), ""]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pairs = [
        (source, target)
        for source in range(count)
        for target in range(source + 1, count)
        if firsts[target] > firsts[source] and (target == count - 1 or random.random() < 0.6)
    ]
    from_start = {0}
    for source, target in pairs:
        if source in from_start:
            from_start.add(target)
    pairs = [(source, target) for source, target in pairs if source in from_start]
    scores = random.normal(0, 3, len(pairs))
    forward, backward = np.zeros(count), np.zeros(count)
    forward[0] = backward[-1] = 1.0
    for (source, target), score in zip(pairs, scores, strict=True):
        forward[target] += forward[source] * np.exp(score)
    for (source, target), score in zip(reversed(pairs), reversed(scores), strict=True):
        backward[source] += backward[target] * np.exp(score)
    sources, targets = np.array(pairs, np.int32).T
    posteriors = forward[sources] * np.exp(scores) * backward[targets] / forward[-1]
    return Lattice(
        tuple(words), np.array(firsts, np.int32), sources, targets, scores, posteriors, 0, count - 1, FRAMES
    )


def paths(lattice: Lattice) -> list[Path]:
    """Return every way through a lattice with its probability."""
    found = [(nodes, links) for nodes, links in _ways(lattice, lattice.start)]
    weights = np.array([np.exp(lattice.scores[list(links)].sum()) for _, links in found])
    return [
        Path(nodes, links, float(weight))
        for (nodes, links), weight in zip(found, weights / weights.sum(), strict=True)
    ]


def _ways(lattice: Lattice, node: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    if node == lattice.end:
        yield (node,), ()
    for link in np.flatnonzero(lattice.sources == node).tolist():
        for nodes, links in _ways(lattice, int(lattice.targets[link])):
            yield (node, *nodes), (link, *links)
