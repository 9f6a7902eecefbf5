"""The acoustic model in memory, and what each base version makes of the bundled one."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx

from chalicelib.engines.catalogue import base_model_of_version
from chalicelib.engines.protocol import Samples
from chalicelib.engines.sphinx.bandwidth import BandwidthExtension, read_extension
from chalicelib.engines.sphinx.features import NARROWBAND_HZ, Array, cepstra, log_mel, mean_of_energy
from chalicelib.engines.sphinx.model_files import read_gaussians, read_mixture_weights, read_phones

BUNDLED = Path(pocketsphinx.get_model_path("en-us/en-us"))
"""The folder of the US English model that pocketsphinx brings along: phonetically tied, three streams."""
DATA = Path(__file__).parent / "data"
STREAMS = 3
VARIANCE_FLOOR = 1e-4
CHANNEL_FRAMES = 400
"""So much of an utterance says what its channel is: then the rest can be decoded while it is being spoken."""


@dataclass(frozen=True)
class AcousticModel:
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
    cepstra: Array
    """Mean cepstra of the frames with energy, shape (13,)."""


@dataclass(frozen=True)
class Base:
    """A base version: a front end and the model that belongs to it."""

    version: str
    rate_hz: int
    extension: BandwidthExtension | None
    model: AcousticModel
    suppresses_noise: bool = False
    """Whether the front end takes stationary noise out of each utterance: an adapted model may ask for it."""

    @property
    def context(self) -> int:
        """How many frames around it the cepstra of a frame depend on, beside the channel."""
        return 0 if self.extension is None else self.extension.context

    def cepstra(self, samples: Samples) -> Array:
        """Return the normalised cepstra of one utterance at `rate_hz`, shape (frames, 13)."""
        spectrum = log_mel(samples, self.rate_hz, suppress_noise=self.suppresses_noise)
        return self.normalised(spectrum, self.channel(spectrum))

    def channel(self, spectrum: Array) -> Channel:
        """Return the channel of an utterance by the first CHANNEL_FRAMES of its `log_mel`."""
        first = spectrum[:CHANNEL_FRAMES]
        bands = first.mean(axis=0) if len(first) else np.zeros(first.shape[1])
        return Channel(bands, mean_of_energy(cepstra(self._whole(first, bands))))

    def normalised(self, spectrum: Array, channel: Channel) -> Array:
        """Return the cepstra of a `log_mel`, or of a part of one, less their channel."""
        return cepstra(self._whole(spectrum, channel.bands)) - channel.cepstra

    def _whole(self, spectrum: Array, bands: Array) -> Array:
        return spectrum if self.extension is None else self.extension.extended(spectrum, bands)


@functools.cache
def bundled_model() -> AcousticModel:
    """Read the model that pocketsphinx brings along."""
    return AcousticModel(
        phones=read_phones(BUNDLED / "mdef"),
        means=read_gaussians(BUNDLED / "means"),
        variances=np.maximum(read_gaussians(BUNDLED / "variances"), VARIANCE_FLOOR),
        weights=read_mixture_weights(BUNDLED / "sendump", STREAMS),
    )


@functools.cache
def load_base(version: str, *, suppresses_noise: bool = False) -> Base:
    """Return a base version of the catalogue, with or without noise suppression in its front end.

    Raises:
        KeyError: no served model has that version.
    """
    rate_hz = base_model_of_version(version).rate_hz
    extension = read_extension(DATA / "narrowband.npz") if rate_hz == NARROWBAND_HZ else None
    return Base(version, rate_hz, extension, bundled_model(), suppresses_noise)
