"""A network in memory: encodes features, searches texts and aligns them. Threads may share it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.mel import FRAMES_PER_S, LONGEST_S, Mel
from chalicelib.engines.whisper.model.adapted_network import folder_in_memory
from chalicelib.engines.whisper.model.merging import Share
from chalicelib.engines.whisper.model.weights import NetworkWeights

MOST_TOKENS = 448
"""Of a prompt and a text together: so many places the decoder has."""
_MEMORY_SHARE = 2.2
"""Of the file of 8-bit weights: they, and what is needed to work."""
_ADAPTED_MEMORY_SHARE = 1.4
"""The same for an adapted network, beside its base."""
_LEAST_ALIGNED_FRAMES = 32
"""The filter over the alignment needs some frames; what is behind the speech is silence."""


@dataclass(frozen=True)
class ProcessorThreads:
    """How the processor is used: `workers` calls at a time, each by `per_call` threads (0: all cores)."""

    workers: int = 1
    per_call: int = 1


ONE_THREAD = ProcessorThreads()


@dataclass(frozen=True)
class Encoded:
    """What the encoder made of one or more windows of equal length."""

    view: ctranslate2.StorageView
    speech_frames: tuple[int, ...]
    """Of each window, how many of its frames are not filled up with zeros."""
    frames: int
    """Of each window."""

    def split(self) -> list[Encoded]:
        """Return every window by itself. On a graphics processor its output has to be copied."""
        on_device = self.view.device != "cpu"
        outputs = np.asarray(self.view.to_device(ctranslate2.Device.cpu) if on_device else self.view)
        return [
            Encoded(
                ctranslate2.StorageView.from_array(np.ascontiguousarray(output[None])), (speech,), self.frames
            )
            for output, speech in zip(outputs, self.speech_frames, strict=True)
        ]


@dataclass(frozen=True)
class Reading:
    """A text that the search found."""

    ids: tuple[int, ...]
    score: float
    """Mean log-probability of its tokens."""


@dataclass(frozen=True)
class SearchResult:
    """What the search found for one window."""

    readings: tuple[Reading, ...]
    """Best first."""
    no_speech: float
    """Probability in 0…1 that nobody speaks."""


@dataclass(frozen=True)
class Aligned:
    """Where the tokens of a text are."""

    starts_s: NDArray[np.float64]
    """Per token, and of the end behind the last one: shape (tokens + 1,)."""
    probabilities: NDArray[np.float64]
    """Per token, given those before, among texts: shape (tokens,)."""


class Network:
    """A network of the Whisper family with the prompt of one language."""

    def __init__(
        self,
        weights: NetworkWeights,
        language: str | None = None,
        threads: ProcessorThreads = ONE_THREAD,
        device: str = "auto",
        shares: Sequence[Share] = (),
    ) -> None:
        """Load a network.

        Args:
            weights: the network on disk.
            language: code of the language that is spoken; English networks need none.
            threads: of the processor.
            device: `cpu`, `cuda`, or `auto`: a graphics processor where there is one.
            shares: what else it was taught.

        Raises:
            ModelUnreadable: it cannot be loaded, does not know the language, or the changes do not fit it.
        """
        if device == "auto":
            device = "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
        with folder_in_memory(weights, shares) if shares else nullcontext(weights.folder) as folder:
            try:
                self._model = ctranslate2.models.Whisper(
                    str(folder),
                    device=device,
                    compute_type="int8" if device == "cpu" else "float16",
                    inter_threads=threads.workers,
                    intra_threads=threads.per_call,
                )
            except (RuntimeError, ValueError) as error:
                raise ModelUnreadable(f"{weights.folder} cannot be loaded: {error}") from None
        self.tokens = weights.tokens
        self.window = weights.window
        self.language = language if self._model.is_multilingual else None
        if self._model.is_multilingual and language is None:
            raise ModelUnreadable(f"{weights.folder} knows many languages: one has to be chosen")
        self._prompt = self.tokens.prompt(self.language)
        self.bands: int = self._model.n_mels
        file_bytes = (weights.folder / "model.bin").stat().st_size
        share = _ADAPTED_MEMORY_SHARE if shares else _MEMORY_SHARE
        self.size_bytes = weights.memory_bytes or round(share * file_bytes)
        """About how much memory it takes."""

    @property
    def is_english(self) -> bool:
        """Whether what it writes is read as English."""
        return self.language in (None, "en")

    def encode(self, windows: Sequence[Mel], speech_frames: Sequence[int]) -> Encoded:
        """Encode windows of equal length, each of shape (bands, frames).

        Raises:
            ValueError: their shapes do not fit.
        """
        features = np.stack(windows)
        count, bands, frames = features.shape
        if bands != self.bands or not 0 < frames <= LONGEST_S * FRAMES_PER_S or frames % 2:
            raise ValueError(f"{bands} bands and {frames} frames are not what this network takes")
        if len(speech_frames) != count or any(not 0 <= one <= frames for one in speech_frames):
            raise ValueError("frames of speech are wanted for every window, and within it")
        view = self._model.encode(ctranslate2.StorageView.from_array(features))
        return Encoded(view, tuple(speech_frames), frames)

    def search(
        self, encoded: Encoded, *, beam: int, readings: int, most_tokens: int, suppressed: Sequence[int] = ()
    ) -> list[SearchResult]:
        """Search the texts of windows; without chance.

        Args:
            encoded: the windows.
            beam: so many texts are followed.
            readings: so many are returned, at most `beam`.
            most_tokens: texts are no longer than this.
            suppressed: ids that no text may have, beside those of the network's own.

        Raises:
            ValueError: a number is out of its range.
        """
        room = MOST_TOKENS // 2
        if not 1 <= readings <= beam or not 1 <= most_tokens <= room:
            raise ValueError(
                f"{readings} readings of a beam of {beam}, or {most_tokens} tokens, cannot be had"
            )
        results = self._model.generate(
            encoded.view,
            [[*self._prompt, self.tokens.no_times]] * len(encoded.speech_frames),
            beam_size=beam,
            num_hypotheses=readings,
            max_length=2 * most_tokens,  # the library takes half of it
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=[-1, *suppressed],
        )
        return [
            SearchResult(
                tuple(
                    Reading(tuple(ids), score)
                    for ids, score in zip(result.sequences_ids, result.scores, strict=True)
                ),
                result.no_speech_prob,
            )
            for result in results
        ]

    def align(self, encoded: Encoded, texts: Sequence[Sequence[int]]) -> list[Aligned]:
        """Say where the tokens of a text are, a text for each window.

        Raises:
            ValueError: a text is empty, too long, or has special tokens: the library would end the process.
        """
        if len(texts) != len(encoded.speech_frames):
            raise ValueError(f"{len(encoded.speech_frames)} texts are wanted, not {len(texts)}")
        for text in texts:
            if not 0 < len(text) <= MOST_TOKENS - len(self._prompt) - 2:
                raise ValueError(f"a text of {len(text)} tokens cannot be aligned")
            if not all(0 <= one < self.tokens.end for one in text):
                raise ValueError("a text with special tokens cannot be aligned")
        frames = [min(max(one, _LEAST_ALIGNED_FRAMES), encoded.frames) for one in encoded.speech_frames]
        results = self._model.align(encoded.view, self._prompt, [list(text) for text in texts], frames)
        return [
            Aligned(_starts_s(result.alignments, len(text)), np.array(result.text_token_probs[: len(text)]))
            for result, text in zip(results, texts, strict=True)
        ]


def _starts_s(pairs: Sequence[tuple[int, int]], tokens: int) -> NDArray[np.float64]:
    """Return the first position of each token in a path of (token, position); the end is the last token."""
    starts = np.zeros(tokens + 1)
    reached = -1
    for token, position in pairs:
        if token > reached and token <= tokens:
            starts[reached + 1 : token + 1] = position * 2 / FRAMES_PER_S
            reached = token
    if reached < tokens:
        starts[reached + 1 :] = (pairs[-1][1] + 1) * 2 / FRAMES_PER_S
    return starts
