"""Fits the narrowband base's Gaussians to a folder of ordinary 16 kHz speech without transcripts.

`python -m fitting.sphinx.fit_narrowband FOLDER OUTPUT.npz --every 3`. The broadband base decodes the
speech, and what a Gaussian meets there is compared with the same frames at 8 kHz after µ-law coding
(single-pass retraining, Woodland, Gales and Pye 1996). Only the difference is kept, so that who speaks, and
about what, matters little. The one in the package was fitted to every third recording of the training half of
CMU AN4 (its licence lies beside it).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from chalicelib.audio.decoding import read_mono
from chalicelib.engines.protocol import Samples
from chalicelib.engines.sphinx.acoustics.acoustic_model import AcousticBase, GaussianMixtureModel, load_base
from chalicelib.engines.sphinx.acoustics.features import NARROWBAND_HZ, WIDEBAND_HZ, Array, with_differences
from training_image.container.workers import available_cores, one_thread_a_process, worker_processes
from training_image.speech.utterances import Utterance
from training_image.sphinx.estimation import regression_class, relative_spread
from training_image.sphinx.shards import DecodedShard, Start, decode_shard, shards
from training_image.sphinx.statistics import Statistics, accumulate

BROADBAND = "en-US_BroadbandModel.v2020-01-16"
NARROWBAND = "en-US_NarrowbandModel.v2019-06-24"
CONFIDENCE_THRESHOLD = 0.5
PRIOR_FRAMES = 20.0
"""As much as staying where it is weighs for a mean."""
PRIOR_VARIANCE_FRAMES = 200.0
_MU = 255


def fit(model: GaussianMixtureModel, wide: Statistics, narrow: Statistics) -> tuple[Array, Array]:
    """Return how much each mean moves, and the factor of each codebook's variances.

    Args:
        model: the broadband base.
        wide: what its Gaussians met.
        narrow: the sums of the same frames at 8 kHz, shared among the Gaussians as `wide`.

    Returns:
        Shapes (codebooks, streams, densities, dimensions) and (codebooks, streams, dimensions); codebooks of
        one regression class share their factors.
    """
    shifts = (narrow.first - wide.first) / (PRIOR_FRAMES + wide.occupancy[..., None])
    moved = GaussianMixtureModel(model.phones, model.means + shifts, model.variances, model.weights)
    before, after = relative_spread(model, wide), relative_spread(moved, narrow)
    classes = np.array([regression_class(phone) for phone in model.phones])
    factors = np.empty((len(classes), *before.shape[1:2], before.shape[3]))
    for number in np.unique(classes):
        members = classes == number
        wider, narrower = (
            PRIOR_VARIANCE_FRAMES + spread[members].sum(axis=(0, 2)) for spread in (before, after)
        )
        factors[members] = narrower / wider
    return shifts, factors


def through_telephone(samples: Samples) -> Samples:
    """Return 16 kHz speech at 8 kHz after µ-law coding (the curve of ITU-T G.711, 256 levels)."""
    narrow = np.clip(soxr.resample(samples, WIDEBAND_HZ, NARROWBAND_HZ), -1, 1)
    compressed = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    coded = np.round((compressed + 1) / 2 * _MU) / _MU * 2 - 1
    return np.asarray(np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU, np.float32)


def _utterances(files: Sequence[Path], folder: Path) -> list[Utterance]:
    found = []
    for number, file in enumerate(files):
        samples = read_mono(file, None, WIDEBAND_HZ)
        path = folder / str(number)
        np.clip(np.rint(samples * 32768), -32768, 32767).astype("<i2").tofile(path)
        duration_s = len(samples) / WIDEBAND_HZ
        found.append(Utterance(file.name, None, 0.0, duration_s, path, WIDEBAND_HZ, 0, len(samples)))
    return found


def _both(
    utterances: Sequence[Utterance], decoded: DecodedShard, bases: tuple[AcousticBase, AcousticBase]
) -> tuple[Statistics, Statistics]:
    broad, narrow = bases
    seen: list[NDArray[np.float32]] = []
    heard: list[NDArray[np.float32]] = []
    for utterance in utterances:
        samples = utterance.samples()
        features = with_differences(broad.cepstra(samples))
        same = with_differences(narrow.cepstra(through_telephone(samples)))[: len(features)]
        seen.append(features)
        heard.append(np.pad(same, ((0, len(features) - len(same)), (0, 0)), mode="edge"))
    wide = np.concatenate(seen)
    weights = (decoded.confidences >= CONFIDENCE_THRESHOLD).astype(np.float32)
    known = (decoded.senones, decoded.codebooks, weights)
    return (
        accumulate(broad.model, wide, *known),
        accumulate(broad.model, wide, *known, observed=np.concatenate(heard)),
    )


def main(argv: Sequence[str]) -> int:
    """Fit to every FLAC and WAV file below a folder and write shifts and factors in half precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every so many-th recording only")
    arguments = parser.parse_args(argv)
    files = sorted(path for path in arguments.folder.rglob("*") if path.suffix in (".flac", ".wav"))
    files = files[:: arguments.every]
    bases = load_base(BROADBAND), load_base(NARROWBAND)
    wide = narrow = Statistics.none(bases[0].model)
    one_thread_a_process()
    with tempfile.TemporaryDirectory() as folder, worker_processes(available_cores()) as executor:
        pieces = shards(_utterances(files, Path(folder)))
        waiting = [executor.submit(decode_shard, Start(BROADBAND), None, piece) for piece in pieces]
        for piece, future in zip(pieces, waiting, strict=True):
            of_wide, of_narrow = _both(piece, DecodedShard.from_arrays(future.result()), bases)
            wide, narrow = wide + of_wide, narrow + of_narrow
    shifts, factors = fit(bases[0].model, wide, narrow)
    arrays = {"shifts": shifts.astype(np.float16), "variance_factors": factors.astype(np.float16)}
    with arguments.output.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    print(f"fitted to {len(files)} recordings, written to {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
