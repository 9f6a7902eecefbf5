"""Fits the narrowband base's bandwidth extension to a folder of ordinary 16 kHz speech without transcripts.

`python -m fitting.sphinx.fit_bandwidth FOLDER OUTPUT.npz`. The one in the package was fitted to the
training half of CMU AN4 (its licence lies beside it): the log-mel bands above 4 kHz are regressed, by ridge
regression, on the bands below and their neighbours in time, over the same speech at 16 kHz and at 8 kHz.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soxr

from chalicelib.audio.decoding import read_mono
from chalicelib.engines.protocol import Samples
from chalicelib.engines.sphinx.acoustics.bandwidth import BandwidthExtension, save_extension, with_neighbours
from chalicelib.engines.sphinx.acoustics.features import NARROW_BANDS, log_mel

WIDE_HZ, NARROW_HZ = 16_000, 8_000
CONTEXT_FRAMES = 3
RIDGE_FRAMES = 10.0


def fit(recordings: Iterable[Samples]) -> BandwidthExtension:
    """Return the linear extension that fits recordings at 16 kHz best, in the sense of least squares.

    Raises:
        ValueError: there is no speech to fit to.
    """
    inputs = (2 * CONTEXT_FRAMES + 1) * NARROW_BANDS + 1
    covariance, cross = np.zeros((inputs, inputs)), None
    for samples in recordings:
        wide = log_mel(samples, WIDE_HZ)
        narrow = log_mel(soxr.resample(samples, WIDE_HZ, NARROW_HZ), NARROW_HZ)
        frames = min(len(wide), len(narrow))
        if frames == 0:
            continue
        seen = with_neighbours(narrow[:frames], CONTEXT_FRAMES).astype(np.float64)
        seen = np.hstack([seen, np.ones((frames, 1))])
        missing = wide[:frames, NARROW_BANDS:]
        missing = missing - missing.mean(axis=0)
        covariance += seen.T @ seen
        cross = seen.T @ missing if cross is None else cross + seen.T @ missing
    if cross is None:
        raise ValueError("there is no speech to fit a bandwidth extension to")
    solution = np.linalg.solve(covariance + RIDGE_FRAMES * np.eye(inputs), cross).astype(np.float32)
    return BandwidthExtension(CONTEXT_FRAMES, (solution[:-1],), (solution[-1],))


def main(argv: Sequence[str]) -> int:
    """Fit to every FLAC and WAV file below a folder and write the extension."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args(argv)
    files = sorted(path for path in arguments.folder.rglob("*") if path.suffix in (".flac", ".wav"))
    save_extension(arguments.output, fit(read_mono(path, None, WIDE_HZ) for path in files))
    print(f"fitted to {len(files)} recordings, written to {arguments.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
