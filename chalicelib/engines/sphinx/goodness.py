"""How well sounds fit the words that they are taken for: the goodness of their pronunciation.

After Witt and Young, "Phone-level pronunciation scoring and assessment for interactive language learning"
(2000). Every phone competes in every frame, so that no word list decides what else might have been said.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.acoustic_model import BUNDLED, GaussianMixtureModel
from chalicelib.engines.sphinx.acoustics.features import Array
from chalicelib.engines.sphinx.acoustics.sounds import Sounds
from chalicelib.engines.sphinx.acoustics.triphones import Triphones, read_triphones
from chalicelib.engines.sphinx.grammar_evidence import GrammarEvidence

SILENCE = "SIL"
_STATES = 3  # of a phone
_LEAST_SPEECH_FRAMES = 1.0


@dataclass(frozen=True)
class SpokenWord:
    """A word of a path, as its pronunciation there has it."""

    phones: tuple[str, ...]
    first_frame: int
    last_frame: int


class Goodness:
    """Judges the words of a path by an acoustic model."""

    def __init__(self, model: GaussianMixtureModel) -> None:
        self._triphones = _bundled_triphones()
        self._sounds = Sounds(model, self._triphones.owners)
        self._numbers = {phone: number for number, phone in enumerate(model.phones)}
        self._is_filler = np.array([phone == SILENCE or phone.startswith("+") for phone in model.phones])

    def evidence(self, cepstra: Array, words: Sequence[SpokenWord]) -> GrammarEvidence | None:
        """Return what speaks for the words having been said, None where nothing was said.

        Args:
            cepstra: of the utterance, normalised, shape (frames, 13).
            words: of the path, in order, apart from each other.
        """
        states = [self._states(words, at) for at in range(len(words))]
        if not states or not len(cepstra):
            return None
        phones, senones = self._sounds.scores(cepstra, np.concatenate(states))
        anything = np.logaddexp.reduce(phones, axis=1)
        speech = -np.expm1(np.logaddexp.reduce(phones[:, self._is_filler], axis=1) - anything)
        if speech.sum() < _LEAST_SPEECH_FRAMES:
            return None
        in_words = np.zeros(len(cepstra), np.bool_)
        fits: list[float] = []
        lengths: list[int] = []
        columns = np.cumsum([0, *map(len, states)])
        for word, start, stop in zip(words, columns, columns[1:], strict=False):
            frames = slice(word.first_frame, word.last_frame + 1)
            in_words[frames] = True
            for fit, length in _by_phone(senones[frames, start:stop], anything[frames]):
                fits.append(fit)
                lengths.append(length)
        if not fits:
            return None
        return GrammarEvidence(
            goodness=float(np.mean(fits)),
            coverage=float(speech[in_words].sum() / speech.sum()),
            length=float(np.log(lengths).mean()),
        )

    def _states(self, words: Sequence[SpokenWord], at: int) -> NDArray[np.int32]:
        word = words[at]
        before = after = SILENCE
        if at and words[at - 1].last_frame + 1 == word.first_frame:
            before = words[at - 1].phones[-1]
        if at + 1 < len(words) and word.last_frame + 1 == words[at + 1].first_frame:
            after = words[at + 1].phones[0]
        numbers = [self._numbers[phone] for phone in (before, *word.phones, after)]
        return self._triphones.senones(numbers[1:-1], numbers[0], numbers[-1])


@functools.cache
def _bundled_triphones() -> Triphones:
    return read_triphones(BUNDLED / "mdef")


def _by_phone(senones: Array, anything: Array) -> Iterator[tuple[float, int]]:
    """Yield how well each phone fits, a logarithm for each of its frames, and how many those are.

    Args:
        senones: scores of a word's states in its frames, shape (frames, states).
        anything: scores of whatever may be said there, shape (frames,).
    """
    path = _best_path(senones)
    fits = senones[np.arange(len(path)), path] - anything
    for phone in np.unique(path // _STATES):
        own = fits[path // _STATES == phone]
        yield float(own.mean()), len(own)


def _best_path(scores: Array) -> NDArray[np.intp]:
    """Return the state of each frame, from the first state to the last one without leaving any out.

    Where there are fewer frames than states, the states are spread over them.
    """
    frames, states = scores.shape
    if frames < states:
        spread: NDArray[np.intp] = np.arange(frames) * states // max(1, frames)
        return spread
    moved = np.zeros((frames, states), np.bool_)
    best = np.full(states, -np.inf)
    best[0] = scores[0, 0]
    for frame in range(1, frames):
        entered = np.concatenate([[-np.inf], best[:-1]])
        moved[frame] = entered > best
        best = np.maximum(entered, best) + scores[frame]
    path = np.empty(frames, np.intp)
    state = states - 1
    for frame in range(frames - 1, -1, -1):
        path[frame] = state
        state -= int(moved[frame, state])
    return path
