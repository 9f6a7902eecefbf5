"""The word lattice of an utterance as arrays: what may have been said when, and how likely each link is."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pocketsphinx
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.features import FRAMES_PER_S

_NODE = re.compile(r"^I=(\d+)\tt=(\S+)\tW=(\S+)", re.MULTILINE)
_LINK = re.compile(r"\tS=(\d+)\tE=(\d+)\ta=(\S+)\tp=(\S+)")
_ENDS = re.compile(r"^start=(\d+)\nend=(\d+)$", re.MULTILINE)
_NOTHING = "!"  # `!NULL`, `!SENT_START`, `!SENT_END`


@dataclass(frozen=True)
class Arc:
    """A word from where it begins to where the next one does."""

    text: str
    first_frame: int
    last_frame: int
    posterior: float


@dataclass(frozen=True)
class Lattice:
    """Nodes are words that begin at a frame, links lead to words that may follow directly; without cycles.

    A link's posterior is the decoder's own, from a forward and a backward pass over bigram probabilities and
    acoustic scores divided by its `ascale`. The posteriors of the links that span a frame sum to 1.
    """

    words: tuple[str, ...]
    """Of each node; empty for silence, noise and the boundaries of the sentence."""
    first_frames: NDArray[np.int32]
    """Shape (nodes,)."""
    sources: NDArray[np.int32]
    """Shape (links,)."""
    targets: NDArray[np.int32]
    """Shape (links,); the word of the source ends where the target begins."""
    scores: NDArray[np.float64]
    """Natural logarithm of the acoustic likelihood of the source's word, shape (links,)."""
    posteriors: NDArray[np.float64]
    """Shape (links,)."""
    start: int
    end: int
    """A node that is never a word."""
    frames: int

    @cached_property
    def arcs(self) -> tuple[Arc, ...]:
        """The spoken words, each as often as there are links that it may end by."""
        firsts = self.first_frames[self.sources].tolist()
        lasts = (self.first_frames[self.targets] - 1).tolist()
        return tuple(
            Arc(self.words[source], first, last, posterior)
            for source, first, last, posterior in zip(
                self.sources.tolist(), firsts, lasts, self.posteriors.tolist(), strict=True
            )
            if self.words[source]
        )

    @cached_property
    def spoken(self) -> NDArray[np.float64]:
        """Probability that any word is spoken in each frame, shape (frames,)."""
        is_word = np.array([bool(word) for word in self.words])
        return np.minimum(self._coverage(is_word, 0, self.frames - 1), 1.0)

    @cached_property
    def _nodes_of(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for node, word in enumerate(self.words):
            if word:
                found[word].append(node)
        return found

    def _coverage(self, nodes: NDArray[np.bool_], first_frame: int, last_frame: int) -> NDArray[np.float64]:
        links = nodes[self.sources]
        firsts = self.first_frames[self.sources[links]]
        lasts = self.first_frames[self.targets[links]] - 1
        near = (firsts <= last_frame) & (lasts >= first_frame)
        return coverage(firsts[near], lasts[near], self.posteriors[links][near], first_frame, last_frame)

    def frame_posteriors(self, text: str, first_frame: int, last_frame: int) -> NDArray[np.float64]:
        """Return the probability of a word in each frame of a span, whenever it begins and ends there."""
        nodes = np.zeros(len(self.words), np.bool_)
        nodes[self._nodes_of.get(text, [])] = True
        return np.minimum(self._coverage(nodes, first_frame, last_frame), 1.0)

    def posterior(self, text: str, first_frame: int, last_frame: int) -> float:
        """Return the probability that a word was spoken about there: that of its likeliest frame.

        It is the C_max of Wessel et al., "Confidence measures for large vocabulary continuous speech
        recognition" (2001); a single link's posterior suffers from the many others that differ by a frame.
        """
        return float(self.frame_posteriors(text, first_frame, last_frame).max(initial=0.0))


def coverage(
    firsts: NDArray[np.floating | np.integer],
    lasts: NDArray[np.floating | np.integer],
    weights: NDArray[np.float64],
    first_frame: int,
    last_frame: int,
) -> NDArray[np.float64]:
    """Return the summed weight of the spans that hold each frame of `first_frame` … `last_frame`."""
    length = max(0, last_frame - first_frame + 1)
    starts = np.clip(firsts - first_frame, 0, length).astype(np.intp)
    stops = np.clip(lasts + 1 - first_frame, 0, length).astype(np.intp)
    changes = np.bincount(starts, weights, length + 1) - np.bincount(stops, weights, length + 1)
    covered: NDArray[np.float64] = np.maximum(np.cumsum(changes)[:length], 0.0)
    return covered


def read_lattice(lattice: pocketsphinx.Lattice, frames: int) -> Lattice:
    """Return the decoder's lattice of an utterance of so many frames, whose posteriors it has computed."""
    with tempfile.NamedTemporaryFile("r", prefix="attune-lattice-", encoding="utf-8") as file:
        lattice.write_htk(file.name)
        return parse_htk(file.read(), frames)


def parse_htk(text: str, frames: int) -> Lattice:
    """Return a lattice from pocketsphinx's dialect of the HTK lattice format."""
    ends = _ENDS.search(text)
    nodes = _NODE.findall(text)
    links = _LINK.findall(text)
    if ends is None:
        raise ValueError("the lattice has no start and end")
    start, end = (int(node) for node in ends.groups())
    words = ["" if word.startswith(_NOTHING) else word for _, _, word in nodes]
    first_frames = [round(float(time_s) * FRAMES_PER_S) for _, time_s, _ in nodes]
    columns = np.array(links, dtype=np.float64).reshape(-1, 4)
    if words[end]:  # cut off within the last word: let it end with the utterance
        columns = np.vstack([columns, [end, len(words), 0.0, 1.0]])
        words.append("")
        first_frames.append(frames)
        end = len(words) - 1
    return Lattice(
        words=tuple(words),
        first_frames=np.array(first_frames, np.int32),
        sources=columns[:, 0].astype(np.int32),
        targets=columns[:, 1].astype(np.int32),
        scores=columns[:, 2],
        posteriors=np.clip(columns[:, 3], 0.0, 1.0),
        start=start,
        end=end,
        frames=frames,
    )
