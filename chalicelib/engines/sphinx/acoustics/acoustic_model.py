"""The acoustic model in memory, and what each base version makes of the bundled one."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx

from chalicelib.engines.catalogue import base_version
from chalicelib.engines.protocol import Samples
from chalicelib.engines.sphinx.acoustics.bandwidth import BandwidthExtension, read_extension
from chalicelib.engines.sphinx.acoustics.features import CEPSTRA, NARROWBAND_HZ, Array, cepstra, log_mel
from chalicelib.engines.sphinx.acoustics.model_files import read_gaussians, read_mixture_weights, read_phones

BUNDLED = Path(pocketsphinx.get_model_path("en-us/en-us"))
"""The folder of the US English model that pocketsphinx brings along: phonetically tied, three streams."""
DATA = Path(__file__).parent.parent / "data"
STREAMS = 3
VARIANCE_FLOOR = 1e-4
CHANNEL_FRAMES = 400
"""So much of an utterance is heard before its mean is taken; from then on the mean follows what is spoken."""


@dataclass(frozen=True)
class GaussianMixtureModel:
    """The Gaussians and weights that recognise, adapted or not."""

    phones: tuple[str, ...]
    """One codebook each."""
    means: Array
    """Shape (codebooks, streams, densities, dimensions)."""
    variances: Array
    """The same shape, floored as the decoder floors them."""
    weights: Array
    """Mixture weights, shape (senones, streams, densities)."""


@dataclass(frozen=True)
class Channel:
    """What all frames of an utterance have in common: the colour of microphone and line, and the level."""

    bands: Array
    """Mean of each band of the log-mel spectrum."""
    total: Array
    """Sum of the cepstra of the frames with energy so far, shape (13,)."""
    energetic: int
    """How many those are."""
    held: int
    """How many frames to come are among them already."""

    def removed(self, raw_cepstra: Array) -> tuple[Array, Channel]:
        """Return the frames to come, each less the mean so far, and the channel after them."""
        held = min(self.held, len(raw_cepstra))
        energetic = raw_cepstra[:, 0] >= 0
        energetic[:held] = False
        totals = np.cumsum(np.vstack([self.total, raw_cepstra * energetic[:, None]]), axis=0)
        counts = self.energetic + np.cumsum(energetic, dtype=np.int64)
        normalised = raw_cepstra - totals[1:] / np.maximum(counts, 1)[:, None]
        after = self.energetic + int(energetic.sum())
        return normalised, Channel(self.bands, totals[-1], after, self.held - held)


@dataclass(frozen=True)
class AcousticBase:
    """A base version: a front end and the model that belongs to it."""

    version: str
    rate_hz: int
    extension: BandwidthExtension | None
    model: GaussianMixtureModel
    suppresses_noise: bool = False
    """Whether the front end takes stationary noise out of each utterance: an adapted model may ask for it."""

    @property
    def context(self) -> int:
        """How many frames around it the cepstra of a frame depend on, beside the channel."""
        return 0 if self.extension is None else self.extension.context

    def cepstra(self, samples: Samples) -> Array:
        """Return the normalised cepstra of one utterance at `rate_hz`, shape (frames, 13)."""
        spectrum = log_mel(samples, self.rate_hz, suppress_noise=self.suppresses_noise)
        channel = self.channel(spectrum)
        normalised, _ = channel.removed(self.raw_cepstra(spectrum, channel))
        return normalised

    def channel(self, spectrum: Array) -> Channel:
        """Return the channel before the first frame of an utterance, by CHANNEL_FRAMES of its `log_mel`."""
        first = spectrum[:CHANNEL_FRAMES]
        bands = first.mean(axis=0) if len(first) else np.zeros(first.shape[1])
        raw = self.raw_cepstra(first, Channel(bands, np.zeros(CEPSTRA), 0, 0))
        energetic = raw[raw[:, 0] >= 0]
        return Channel(bands, energetic.sum(axis=0), len(energetic), len(first))

    def raw_cepstra(self, spectrum: Array, channel: Channel) -> Array:
        """Return the cepstra of a `log_mel`, or of a part of one, the channel still in them."""
        whole = spectrum if self.extension is None else self.extension.extended(spectrum, channel.bands)
        return cepstra(whole)


@functools.cache
def bundled_model() -> GaussianMixtureModel:
    """Read the model that pocketsphinx brings along."""
    return GaussianMixtureModel(
        phones=read_phones(BUNDLED / "mdef"),
        means=read_gaussians(BUNDLED / "means"),
        variances=np.maximum(read_gaussians(BUNDLED / "variances"), VARIANCE_FLOOR),
        weights=read_mixture_weights(BUNDLED / "sendump", STREAMS),
    )


@functools.cache
def narrowband_model() -> GaussianMixtureModel:
    """Return the bundled model as the telephone moves it (`fitting.sphinx.fit_narrowband`)."""
    bundled = bundled_model()
    with np.load(DATA / "narrowband-gaussians.npz", allow_pickle=False) as arrays:
        means = bundled.means + arrays["shifts"]
        variances = bundled.variances * arrays["variance_factors"][:, :, None, :]
    return dataclasses.replace(bundled, means=means, variances=np.maximum(variances, VARIANCE_FLOOR))


@functools.cache
def load_base(version: str, *, suppresses_noise: bool = False) -> AcousticBase:
    """Return a base version of the catalogue, with or without noise suppression in its front end.

    Raises:
        KeyError: no served model has that version.
    """
    rate_hz = base_version(version).rate_hz
    if rate_hz != NARROWBAND_HZ:
        return AcousticBase(version, rate_hz, None, bundled_model(), suppresses_noise)
    extension = read_extension(DATA / "narrowband.npz")
    return AcousticBase(version, rate_hz, extension, narrowband_model(), suppresses_noise)
