"""The network that an adaptation begins with: its weights to learn on, and a recogniser of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.whisper.decoding.network import Network, ProcessorThreads
from chalicelib.engines.whisper.mel import WHOLE, Window
from chalicelib.engines.whisper.model import safetensors_file
from chalicelib.engines.whisper.model.architecture import checked
from chalicelib.engines.whisper.model.checked_file import checksum
from chalicelib.engines.whisper.model.low_rank import Change, Delta, delta_bytes, merged, parse_delta
from chalicelib.engines.whisper.model.merging import MODEL, REMAINDERS, Share
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile, read_model
from chalicelib.engines.whisper.model.remainders import restored
from chalicelib.engines.whisper.model.short_window import short_window
from chalicelib.engines.whisper.model.weights import (
    MODEL_SHA256,
    NetworkWeights,
    embedded,
    in_folder,
    package_folder,
)
from chalicelib.engines.whisper.tokens import Tokens
from training_image.failures import JobFailed

ORDINARY_LANGUAGE = "en"
_SCALE = "_scale"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkBase:
    """A network on disk."""

    weights: NetworkWeights
    """What recognises, in eight bits."""
    language: str | None
    """That it is told; None: it knows one only."""
    embedded: bool

    @property
    def tokens(self) -> Tokens:
        """Its vocabulary."""
        return self.weights.tokens

    @property
    def hears_english(self) -> bool:
        """Whether the ordinary speech that comes with this program is in its language."""
        return self.language in (None, ORDINARY_LANGUAGE)

    @property
    def window(self) -> Window:
        """What it hears in."""
        return self.weights.window

    @property
    def prompt(self) -> list[int]:
        """Tokens before a text."""
        return [*self.tokens.prompt(self.language), self.tokens.no_times]

    def model(self) -> ModelFile:
        """Return the weights to learn on, in half or single precision.

        Raises:
            JobFailed: they are damaged.
        """
        try:
            if self.embedded:
                return merged(read_model(package_folder() / MODEL), short_window(), MODEL_SHA256)
            return _restored(self.weights.folder)
        except ModelUnreadable as error:
            raise _unreadable(error, self.weights.folder) from None

    def network(self, cores: int, change: Delta | None = None, alpha: float = 1.0) -> Network:
        """Return a recogniser of the network with a share of a change, for so many calls at a time.

        Raises:
            JobFailed: the weights are damaged, or have not the layers that the change names.
        """
        shares = [] if change is None else [Share(change, alpha)]
        threads = ProcessorThreads(workers=cores)
        try:
            network = Network(self.weights, self.language, threads, shares=shares)
            if not _works(network):
                _log.warning(
                    "CTranslate2 finds no libraries for this GPU: utterances are read by the processor"
                )
                network = Network(self.weights, self.language, threads, "cpu", shares=shares)
        except ModelUnreadable as error:
            raise _unreadable(error, self.weights.folder) from None
        return network

    def delta_bytes(self, changes: Sequence[Change]) -> bytes:
        """Return the file of what was taught to this base."""
        return delta_bytes(self.weights.base_sha256 or "", tuple(changes), self.weights.beneath)

    def delta(self, changes: Sequence[Change]) -> Delta:
        """Return what was taught to this base as a recogniser will read it."""
        return parse_delta(self.delta_bytes(changes))


def base_of(folder: Path | None, language: str | None) -> NetworkBase:
    """Return a staged network, or the embedded one.

    Args:
        folder: of a staged network, as it was staged; None: the embedded one.
        language: that the model is for.

    Raises:
        JobFailed: the network is missing, damaged or another one.
    """
    try:
        if folder is None:
            weights = embedded()
        else:
            weights = replace(in_folder(folder), window=WHOLE, base_sha256=checksum(folder / MODEL))
            checked(read_model(folder / MODEL))
        if not weights.tokens.languages:
            language = None
        weights.tokens.prompt(language)
    except (ModelUnreadable, OSError) as error:
        raise _unreadable(error, folder) from None
    return NetworkBase(weights, language, folder is None)


def _works(network: Network) -> bool:
    """Say whether a network computes: a GPU may be there without the libraries that this build wants."""
    try:
        network.encode([np.zeros((network.bands, 200), np.float32)], [0])
    except RuntimeError:
        return False
    return True


def _restored(folder: Path) -> ModelFile:
    """Return a network that was staged in eight bits in single precision, with what eight bits leave out.

    Raises:
        ModelUnreadable: it is damaged.
    """
    model = read_model(folder / MODEL)
    beside: Arrays = {}
    if (folder / REMAINDERS).is_file():
        beside = safetensors_file.parse((folder / REMAINDERS).read_bytes()).arrays
    arrays: Arrays = {}
    for name, array in model.arrays.items():
        scale = model.arrays.get(f"{name}{_SCALE}")
        if name.endswith(_SCALE) and name.removesuffix(_SCALE) in model.arrays:
            continue
        if scale is None:
            arrays[name] = array
        elif name in beside:
            arrays[name] = restored(array, scale, beside[name])
        else:
            arrays[name] = array.astype(np.float32) / scale[:, None]
    return replace(model, arrays=arrays)


def _unreadable(error: Exception, folder: Path | None) -> JobFailed:
    reason = str(error)
    if folder is not None:  # where the weights lie on the training machine helps nobody
        reason = reason.replace(f"{folder}/", "").replace(str(folder), "the weights")
    return JobFailed(
        f"The weights of the base model cannot be used: {reason}. Tell the operator to add that base model "
        "again."
    )
