"""The network as a teacher: reads utterances, several at a time, and says how sure it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.whisper.custom_language.language import READINGS, preferred
from chalicelib.engines.whisper.custom_language.rescoring import CustomLanguage
from chalicelib.engines.whisper.decoding import guards
from chalicelib.engines.whisper.decoding.cutting import cut
from chalicelib.engines.whisper.decoding.network import Network
from chalicelib.engines.whisper.decoding.windows import RULES, DecodedWindow, decode
from chalicelib.engines.whisper.mel import Window
from chalicelib.engines.whisper.text.wording import spoken_words
from training_image.whisper.lessons import SpeechAudio

_TOGETHER = 16
"""Utterances that one thread reads before it takes others: batches fill, and progress is seen."""
_MOST_TOGETHER_S = 80.0
"""Of these, each as long as the longest: what is encoded at once grows memory by some 8 MB a second."""


@dataclass(frozen=True)
class Read:
    """What the network read in an utterance."""

    ids: tuple[int, ...]
    """Text tokens, numbers in words; none where nobody was heard."""
    score: float
    """Mean log-probability of the tokens and the end; -inf where nobody was heard."""
    odd: bool = False
    """It repeated itself."""

    @property
    def heard(self) -> bool:
        """Whether there is a text."""
        return bool(self.ids)


NOTHING = Read((), float("-inf"))


class Teacher:
    """Reads with one network."""

    def __init__(
        self,
        network: Network,
        window: Window,
        cores: int,
        *,
        beam: int = RULES.beam,
        language: CustomLanguage | None = None,
    ) -> None:
        """Take the network.

        Args:
            network: what reads.
            window: what it hears in.
            cores: threads that read side by side.
            beam: of the search.
            language: custom language that ranks the readings.
        """
        self._network, self._cores, self._language = network, cores, language
        self._readings = 1 if language is None else READINGS
        self._rules = replace(RULES, window=window, beam=max(beam, self._readings))

    def read(
        self, audio: Sequence[SpeechAudio], advance: Callable[[float], None] | None = None
    ) -> list[Read]:
        """Return what is heard in each of several utterances.

        Args:
            audio: utterances; those that fit into no window are read in pieces, as the recogniser does.
            advance: is told after each part how many seconds of audio were read.

        Raises:
            OSError: audio cannot be read.
        """
        # Neighbours in length share a window, so a batch of them wastes nothing.
        order = sorted(range(len(audio)), key=lambda place: audio[place].duration_s)
        parts = _parts(order, [one.duration_s for one in audio])
        found: dict[int, Read] = {}
        with ThreadPoolExecutor(self._cores) as threads:
            for part, read in zip(
                parts, threads.map(lambda part: self._part([audio[one] for one in part]), parts), strict=True
            ):
                found.update(zip(part, read, strict=True))
                if advance is not None:
                    advance(sum(audio[one].duration_s for one in part))
        return [found[place] for place in range(len(audio))]

    def words(self, read: Read) -> list[str]:
        """Return the spoken words of a reading."""
        return spoken_words(self._network.tokens.decode(read.ids))

    def _part(self, audio: Sequence[SpeechAudio]) -> list[Read]:
        pieces = [
            (place, np.ascontiguousarray(samples[first:last]))
            for place, samples in enumerate(one.samples() for one in audio)
            for first, last in cut(samples, self._rules.window)
        ]
        decoded = decode(self._network, [samples for _, samples in pieces], self._rules, self._readings)
        read: list[list[Read]] = [[] for _ in audio]
        for (place, _), one in zip(pieces, decoded, strict=True):
            read[place].append(self._settled(one))
        return [_joined(parts) for parts in read]

    def _settled(self, decoded: DecodedWindow) -> Read:
        if not decoded.readings:
            return replace(NOTHING, odd=decoded.odd)
        if self._language is not None:
            decoded = preferred(self._network, decoded, self._language)
        best = decoded.readings[0]
        text = self._network.tokens.decode(best.ids)
        odd = decoded.odd or guards.repetitive(text)
        return Read(best.ids, best.score * len(best.ids) / (len(best.ids) + 1), odd)


def _joined(parts: Sequence[Read]) -> Read:
    """Return the reading of an utterance, of those of its pieces."""
    heard = [one for one in parts if one.heard]
    odd = any(one.odd for one in parts)
    if not heard:
        return replace(NOTHING, odd=odd)
    score = float(np.average([one.score for one in heard], weights=[len(one.ids) + 1 for one in heard]))
    return Read(tuple(token for one in heard for token in one.ids), score, odd)


def _parts(order: Sequence[int], durations_s: Sequence[float]) -> list[list[int]]:
    """Return neighbours in an order from the shortest to the longest, as many as are read at once."""
    parts: list[list[int]] = []
    for place in order:
        more = len(parts[-1]) + 1 if parts else 0
        if parts and more <= _TOGETHER and more * durations_s[place] <= _MOST_TOGETHER_S:
            parts[-1].append(place)
        else:
            parts.append([place])
    return parts


def arrays_of(read: Sequence[Read]) -> dict[str, NDArray[Any]]:
    """Return readings as arrays, for a checkpoint."""
    return {
        "ids": np.array([one for each in read for one in each.ids], np.int32),
        "lengths": np.array([len(each.ids) for each in read], np.int32),
        "scores": np.array([each.score for each in read], np.float64),
        "odd": np.array([each.odd for each in read], np.bool_),
    }


def from_arrays(arrays: Mapping[str, NDArray[Any]]) -> list[Read]:
    """Return the readings that `arrays_of` made arrays of."""
    ends = np.cumsum([0, *arrays["lengths"].tolist()]).tolist()
    ids = arrays["ids"].tolist()
    return [
        Read(tuple(ids[first:last]), score, odd)
        for (first, last), score, odd in zip(
            itertools.pairwise(ends), arrays["scores"].tolist(), arrays["odd"].tolist(), strict=True
        )
    ]
