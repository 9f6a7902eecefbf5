"""Keywords in a lattice: where a word or phrase was perhaps spoken, on the best path or not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chalicelib.engines.protocol import KeywordHit
from chalicelib.engines.sphinx.acoustics.features import FRAMES_PER_S
from chalicelib.engines.sphinx.lattices.lattice import Lattice, coverage

LONGEST_GAP_FRAMES = 10
"""Of silence or noise between two words of a phrase."""
LEAST_POSTERIOR = 1e-3
_LEAST_CHAIN = 1e-6


@dataclass(frozen=True)
class _Chain:
    """One way to say the phrase."""

    first_frame: int
    last_frame: int
    posterior: float


def spot(lattice: Lattice, keywords: Mapping[str, Sequence[Sequence[str]]]) -> tuple[KeywordHit, ...]:
    """Return where keywords were spoken with a probability of at least LEAST_POSTERIOR, in the order of time.

    Args:
        lattice: of the utterance.
        keywords: with each, the ways to say it: lower-case words; what the dictionary lacks is never hit.
    """
    graph = _Graph(lattice)
    hits = [
        KeywordHit(
            keyword, chain.first_frame / FRAMES_PER_S, (chain.last_frame + 1) / FRAMES_PER_S, chain.posterior
        )
        for keyword, ways in keywords.items()
        for chain in _merged([chain for way in ways for chain in graph.chains(way)], lattice.frames)
    ]
    return tuple(sorted(hits, key=lambda hit: (hit.start_s, hit.end_s)))


class _Graph:
    """A lattice by nodes, whose past and future do not depend on each other: its scores are of bigrams."""

    def __init__(self, lattice: Lattice) -> None:
        self._words = [word.lower() for word in lattice.words]
        self._first_frames = lattice.first_frames.tolist()
        self._nodes_of: dict[str, list[int]] = defaultdict(list)
        for node, word in enumerate(self._words):
            if word:
                self._nodes_of[word].append(node)
        passing = np.bincount(lattice.sources, lattice.posteriors, len(self._words))
        self._passing = passing.tolist()
        self._exits: dict[int, list[tuple[int, float]]] = defaultdict(list)
        for source, target, posterior in zip(
            lattice.sources.tolist(), lattice.targets.tolist(), lattice.posteriors.tolist(), strict=True
        ):
            if posterior > 0:
                self._exits[source].append((target, posterior / self._passing[source]))

    def chains(self, phrase: Sequence[str]) -> list[_Chain]:
        """Return every way through the lattice that says the words of a phrase without a long gap."""
        found: dict[tuple[int, int], float] = defaultdict(float)
        for begin in self._nodes_of.get(phrase[0], ()) if phrase else ():
            # A state is a node, how many words are said before its own, and the frames of the gap so far.
            pending = [(begin, 0, 0, self._passing[begin])]
            while pending:
                node, said, gap, posterior = pending.pop()
                for target, share in self._exits[node]:
                    likely = posterior * share
                    if likely < _LEAST_CHAIN:
                        continue
                    spoken = bool(self._words[node])
                    if spoken and said == len(phrase) - 1:
                        found[self._first_frames[begin], self._first_frames[target] - 1] += likely
                        continue
                    now_said = said + spoken
                    now_gap = 0 if spoken else gap + self._first_frames[target] - self._first_frames[node]
                    if now_gap > LONGEST_GAP_FRAMES:
                        continue
                    if not self._words[target]:
                        pending.append((target, now_said, now_gap, likely))
                    elif self._words[target] == phrase[now_said]:
                        pending.append((target, now_said, 0, likely))
        return [_Chain(first, last, posterior) for (first, last), posterior in found.items()]


def _merged(chains: list[_Chain], frames: int) -> Iterable[_Chain]:
    """Yield one chain for all that overlap: the likeliest's times, and what the best frame sums to."""
    left = chains
    while left:
        spans = np.array([(chain.first_frame, chain.last_frame, chain.posterior) for chain in left])
        mass = coverage(spans[:, 0], spans[:, 1], spans[:, 2], 0, frames - 1)
        pivot = int(mass.argmax())
        if mass[pivot] < LEAST_POSTERIOR:
            return
        holding = [chain for chain in left if chain.first_frame <= pivot <= chain.last_frame]
        likeliest = max(holding, key=lambda chain: chain.posterior)
        yield _Chain(likeliest.first_frame, likeliest.last_frame, min(1.0, float(mass[pivot])))
        left = [
            chain
            for chain in left
            if chain.last_frame < likeliest.first_frame or chain.first_frame > likeliest.last_frame
        ]
        left = [chain for chain in left if not chain.first_frame <= pivot <= chain.last_frame]
