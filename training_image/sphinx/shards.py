"""What the worker processes do: decode and align a shard of utterances, and sum its statistics."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.acoustics.acoustic_model import AcousticBase, GaussianMixtureModel, load_base
from chalicelib.engines.sphinx.acoustics.features import with_differences
from chalicelib.engines.sphinx.decoder import Alignment, Segment, SphinxDecoder
from chalicelib.engines.sphinx.engine import adapted
from chalicelib.engines.sphinx.language import decoder_spelling, load_language
from chalicelib.engines.sphinx.search import settings_of
from chalicelib.language.artefact import read_artefact
from training_image.speech.transcripts import Transcripts
from training_image.speech.utterances import Utterance
from training_image.sphinx.statistics import SenoneOccupancy, Statistics, accumulate, senone_occupancy

SHARD_S = 30.0
"""A worker gets about this much audio at a time: what a killed job has to do again for each core, at most."""


@dataclass(frozen=True)
class DecodedShard:
    """A shard's hypotheses and alignments, utterance after utterance."""

    frames: NDArray[np.int32]
    """Frames of each utterance, shape (utterances,)."""
    words: NDArray[np.int32]
    """Words found in each utterance."""
    posteriors: NDArray[np.float32]
    """Of each word, in order, shape (sum of words,)."""
    texts: tuple[str, ...]
    """The words, in order, of each utterance."""
    senones: NDArray[np.int16]
    """Of each frame, -1 where nothing is aligned, shape (sum of frames,)."""
    codebooks: NDArray[np.int16]
    """Of each frame."""
    confidences: NDArray[np.float16]
    """Posterior of the word or filler that each frame belongs to; 1 where the transcript is known."""
    transcribed: NDArray[np.bool_]
    """Utterances whose transcript was found in the corpora of the helper language model."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return everything as arrays to save."""
        text = np.frombuffer("\n".join(self.texts).encode(), np.uint8)
        return {
            "frames": self.frames,
            "words": self.words,
            "posteriors": self.posteriors,
            "text": text,
            "senones": self.senones,
            "codebooks": self.codebooks,
            "confidences": self.confidences,
            "transcribed": self.transcribed,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> DecodedShard:
        """Return what `arrays` gave."""
        texts = tuple(arrays["text"].tobytes().decode().split("\n"))
        return cls(texts=texts, **{name: array for name, array in arrays.items() if name != "text"})


def shards(utterances: Sequence[Utterance]) -> list[tuple[Utterance, ...]]:
    """Return the utterances in their order, cut into pieces of about SHARD_S."""
    pieces: list[list[Utterance]] = []
    filled_s = SHARD_S
    for utterance in utterances:
        if filled_s >= SHARD_S:
            pieces.append([])
            filled_s = 0.0
        pieces[-1].append(utterance)
        filled_s += utterance.duration_s
    return [tuple(piece) for piece in pieces]


def changed(base: GaussianMixtureModel, model: GaussianMixtureModel) -> dict[str, NDArray[np.float32]]:
    """Return the means of a model, and what else of it is not the base's, as `engine.adapted` takes them."""
    arrays = {"means": model.means.astype(np.float32)}
    if model.variances is not base.variances:
        arrays["variances"] = model.variances.astype(np.float32)
    if model.weights is not base.weights:
        arrays["weights"] = model.weights.astype(np.float32)
    return arrays


def save_model(path: Path, base: GaussianMixtureModel, model: GaussianMixtureModel) -> None:
    """Write what adaptation changed of a model, for the worker processes."""
    with path.open("wb") as file:
        np.savez(file, **changed(base, model))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Start:
    """What adaptation starts from."""

    base_version: str
    suppresses_noise: bool = False
    language_model: Path | None = None
    """A custom language model to decode with, in whose corpora transcripts are looked for."""

    def base(self) -> AcousticBase:
        """Return it, loaded; once in a process."""
        return load_base(self.base_version, suppresses_noise=self.suppresses_noise)


def decode_shard(
    start: Start, model: Path | None, utterances: Sequence[Utterance]
) -> dict[str, NDArray[Any]]:
    """Decode and align utterances with a saved model, or the base itself; returns `DecodedShard.arrays()`.

    An utterance whose transcript is found is aligned with it, not with what was heard.
    """
    base, decoder = start.base(), _decoder(start, model)
    senones, codebooks, confidences = [], [], []
    words, texts, frames = [], [], []
    posteriors: list[float] = []
    transcribed: list[bool] = []
    for utterance in utterances:
        cepstra = base.cepstra(utterance.samples())
        segments = decoder.decode(cepstra)
        spoken = [segment for segment in segments if not segment.is_filler]
        transcript = _transcripts(start.language_model).find([segment.word for segment in spoken])
        known = None if transcript is None else decoder.align_text(cepstra, transcript)
        alignment = known or decoder.align(cepstra) or _nothing_aligned(len(cepstra))
        transcribed.append(known is not None)
        frames.append(len(cepstra))
        words.append(len(spoken))
        posteriors.extend(segment.posterior for segment in spoken)
        texts.append(" ".join(segment.word for segment in spoken))
        senones.append(alignment.senones.astype(np.int16))
        codebooks.append(alignment.codebooks.astype(np.int16))
        confidences.append(
            _frame_confidences(segments, len(cepstra)) if known is None else np.ones(len(cepstra), np.float16)
        )
    return DecodedShard(
        frames=np.array(frames, np.int32),
        words=np.array(words, np.int32),
        posteriors=np.array(posteriors, np.float32),
        texts=tuple(texts),
        senones=np.concatenate(senones),
        codebooks=np.concatenate(codebooks),
        confidences=np.concatenate(confidences),
        transcribed=np.array(transcribed, np.bool_),
    ).arrays()


def sum_shard(
    start: Start,
    model: Path | None,
    utterances: Sequence[Utterance],
    decoded: Mapping[str, NDArray[Any]],
    threshold: float,
) -> Statistics:
    """Return the statistics of a decoded shard's frames whose word is at least `threshold` likely."""
    everything = DecodedShard.from_arrays(decoded)
    return accumulate(
        _model(start, model),
        _features(start, utterances),
        everything.senones,
        everything.codebooks,
        (everything.confidences >= threshold).astype(np.float32),
    )


def weigh_shard(
    start: Start, model: Path | None, utterances: Sequence[Utterance], decoded: Mapping[str, NDArray[Any]]
) -> SenoneOccupancy:
    """Return what the senones of a decoded shard met, in the utterances whose transcript is known."""
    everything = DecodedShard.from_arrays(decoded)
    if not everything.transcribed.any():
        return SenoneOccupancy.none(start.base().model)
    return senone_occupancy(
        _model(start, model),
        _features(start, utterances),
        everything.senones,
        everything.codebooks,
        everything.transcribed.repeat(everything.frames).astype(np.float32),
    )


def _features(start: Start, utterances: Sequence[Utterance]) -> NDArray[np.float32]:
    base = start.base()
    return np.concatenate([with_differences(base.cepstra(each.samples())) for each in utterances])


def _frame_confidences(segments: Sequence[Segment], frames: int) -> NDArray[np.float16]:
    confidences = np.zeros(frames, np.float16)
    for segment in segments:
        confidences[segment.first_frame : segment.last_frame + 1] = segment.posterior
    return confidences


def _nothing_aligned(frames: int) -> Alignment:
    return Alignment(np.full(frames, -1, np.int32), np.full(frames, -1, np.int32))


@functools.lru_cache(maxsize=2)
def _model(start: Start, path: Path | None) -> GaussianMixtureModel:
    base = start.base()
    if path is None:
        return base.model
    with np.load(path, allow_pickle=False) as arrays:
        return adapted(base.model, dict(arrays))


@functools.lru_cache(maxsize=1)
def _decoder(start: Start, path: Path | None) -> SphinxDecoder:
    custom = CustomModels(language_model=start.language_model)
    language = load_language(custom, start.base_version)
    return SphinxDecoder(_model(start, path), settings_of(start.base_version), language)


@functools.lru_cache(maxsize=1)
def _transcripts(language_model: Path | None) -> Transcripts:
    if language_model is None:
        return Transcripts(())
    sentences = read_artefact(language_model).sentences
    return Transcripts([decoder_spelling(word) for word in sentence] for sentence in sentences)
