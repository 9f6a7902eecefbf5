"""Fits the models of voices that tell speakers apart to a list of recordings with their speakers.

`python -m fitting.fit_voices LIST.tsv OUTPUT_FOLDER`. The list has the columns `path` (relative to it)
and `speaker`. The models in the package were fitted to the training half of CMU AN4 (its licence lies beside
them).
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from chalicelib.audio.decoding import read_mono
from chalicelib.audio.speech.speech_activity import SpeechActivity
from chalicelib.audio.speech.voice_features import VoiceFeatures, with_differences
from chalicelib.audio.speech.voice_model import VoiceModel
from chalicelib.audio.stream import Samples

RATES_HZ = (8_000, 16_000)
GAUSSIANS, DIRECTIONS = 64, 30

_READ_HZ = 16_000
_SPEEDS = (1.0, 0.88, 1.13)
"""A voice played faster or slower is another voice."""
_GROUP, _DRAWS = 3, 3
"""Features are relative to the recording's mean: as many speakers as a conversation has are put together."""
_FRAME_WEIGHT = 0.1
_MIXTURE_ROUNDS, _DIRECTION_ROUNDS = 12, 10
_LEAST_VARIANCE = 0.05
_HISS = 1e-4

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Voice:
    """What one speaker said: cepstra and whether each frame is speech."""

    cepstra: NDArray[np.float16]
    speech: NDArray[np.bool_]


def fit(speakers: Mapping[str, Sequence[Samples]], rate_hz: int, seed: int = 0) -> VoiceModel:
    """Return the model of voices.

    Args:
        speakers: utterances of each, at 16 kHz.
        rate_hz: of the model.
    """
    random = np.random.default_rng(seed)
    voices = [
        _voice([soxr.resample(one, _READ_HZ, rate_hz / speed) for one in utterances], rate_hz)
        for speed in _SPEEDS
        for utterances in speakers.values()
    ]
    features = [one for _ in range(_DRAWS) for one in _conversations(voices, random)]
    model = _mixture(np.concatenate(features[: len(voices)])[::2].astype(np.float64), random)
    return _with_directions(model, features, random)


def _voice(utterances: Sequence[Samples], rate_hz: int) -> _Voice:
    random = np.random.default_rng(0)
    gathered, activity = VoiceFeatures(rate_hz), SpeechActivity(rate_hz)
    speech = []
    for samples in utterances:
        quiet = _HISS * random.standard_normal(rate_hz).astype(np.float32)
        for piece in (quiet, samples.astype(np.float32)):
            gathered.feed(piece)
            speech.append(activity.feed(piece).speech)
    speech.append(activity.finish().speech)
    cepstra = gathered.cepstra()
    heard = np.concatenate(speech)[: len(cepstra)]
    return _Voice(cepstra, np.pad(heard, (0, len(cepstra) - len(heard))))


def _conversations(voices: Sequence[_Voice], random: np.random.Generator) -> Iterator[NDArray[np.float32]]:
    """Yield each speaker's features, relative to the mean of a few put together."""
    order = random.permutation(len(voices))
    for start in range(0, len(order), _GROUP):
        group = [voices[place] for place in order[start : start + _GROUP]]
        cepstra = np.concatenate([one.cepstra for one in group])
        chosen = np.concatenate([one.speech for one in group])
        features = with_differences(cepstra, chosen)
        yield from np.split(features, np.cumsum([one.speech.sum() for one in group])[:-1])


def _mixture(features: Array, random: np.random.Generator) -> VoiceModel:
    """Fit the Gaussians by expectation-maximisation, from random frames."""
    spread = features.var(axis=0)
    model = VoiceModel(
        weights=np.full(GAUSSIANS, 1 / GAUSSIANS),
        means=features[random.choice(len(features), GAUSSIANS, replace=False)],
        variances=np.tile(spread, (GAUSSIANS, 1)),
        directions=np.zeros((GAUSSIANS, features.shape[1], DIRECTIONS)),
    )
    for _ in range(_MIXTURE_ROUNDS):
        posteriors = model.posteriors(features.astype(np.float32))
        frames = posteriors.sum(axis=0) + 1e-3
        means = posteriors.T @ features / frames[:, None]
        variances = posteriors.T @ features**2 / frames[:, None] - means**2
        model = VoiceModel(
            frames / frames.sum(), means, np.maximum(variances, _LEAST_VARIANCE * spread), model.directions
        )
    return model


def _with_directions(
    model: VoiceModel, speakers: Sequence[NDArray[np.float32]], random: np.random.Generator
) -> VoiceModel:
    """Estimate the directions by expectation-maximisation with minimum divergence."""
    occupancy, moved = np.empty((len(speakers), GAUSSIANS)), np.empty((len(speakers), *model.means.shape))
    for number, features in enumerate(speakers):
        posteriors = model.posteriors(features)
        occupancy[number] = _FRAME_WEIGHT * posteriors.sum(axis=0)
        moved[number] = _FRAME_WEIGHT * (posteriors.T @ features) - occupancy[number][:, None] * model.means
    scale = 0.1 * np.sqrt(model.variances)[:, :, None]
    directions = scale * random.standard_normal(model.directions.shape)
    for _ in range(_DIRECTION_ROUNDS):
        model = VoiceModel(model.weights, model.means, model.variances, directions)
        precision = np.eye(DIRECTIONS) + np.einsum("sg,gde->sde", occupancy, model.precisions)
        towards = np.einsum("gfd,gf,sgf->sd", directions, 1 / model.variances, moved, optimize=True)
        spread = np.linalg.inv(precision)
        places = np.einsum("sde,se->sd", spread, towards)
        second = spread + places[:, :, None] * places[:, None, :]
        whole = np.einsum("sg,sde->gde", occupancy, second) + 1e-6 * np.eye(DIRECTIONS)
        cross = np.einsum("sgf,sd->gfd", moved, places, optimize=True)
        directions = cross @ np.linalg.inv(whole) @ np.linalg.cholesky(second.mean(axis=0))
    return VoiceModel(model.weights, model.means, model.variances, directions)


def main(argv: Sequence[str]) -> int:
    """Fit to the recordings of a list and write `voices-8000.npz` and `voices-16000.npz`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("list", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args(argv)
    speakers: dict[str, list[Samples]] = {}
    with arguments.list.open() as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            samples = read_mono(arguments.list.parent / row["path"], None, _READ_HZ)
            speakers.setdefault(row["speaker"], []).append(samples)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for rate_hz in RATES_HZ:
        fit(speakers, rate_hz).save(arguments.output / f"voices-{rate_hz}.npz")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
