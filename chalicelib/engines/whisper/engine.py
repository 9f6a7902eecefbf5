"""The neural engine behind the protocol of all engines."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chalicelib.engines import catalogue
from chalicelib.engines.errors import CustomizationUnsupported
from chalicelib.engines.protocol import (
    BASE_ALONE,
    DEFAULT_OPTIONS,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Samples,
    UtteranceStream,
)
from chalicelib.engines.whisper.answer import Piece, answer
from chalicelib.engines.whisper.cutting import cut
from chalicelib.engines.whisper.decoding import RULES, Rules, decode
from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ
from chalicelib.engines.whisper.network import ONE_THREAD, Network, Threads
from chalicelib.engines.whisper.streaming import WhisperStream
from chalicelib.engines.whisper.weights import Weights, embedded, in_folder, staged_weights


@dataclass(frozen=True)
class _Key:
    folder: Path
    language: str | None


class WhisperEngine:
    """Loads networks of the Whisper family; recognisers of the same weights share them."""

    def __init__(
        self,
        folder: Path | None = None,
        language: str | None = None,
        rules: Rules = RULES,
        threads: Threads = ONE_THREAD,
        device: str = "auto",
    ) -> None:
        """Take what is loaded, and how.

        Args:
            folder: a network as CTranslate2 keeps it; None: the embedded one.
            language: that is spoken, for networks that know many.
            rules: how windows are decoded.
            threads: of the processor.
            device: `cpu`, `cuda`, or `auto`: a graphics processor where there is one.
        """
        self._folder = folder
        self._language = language
        self._rules = rules
        self._threads = threads
        self._device = device
        self._lock = threading.Lock()
        self._networks: weakref.WeakValueDictionary[_Key, Network] = weakref.WeakValueDictionary()

    def load(self, base_version: str, custom: CustomModels = BASE_ALONE) -> WhisperRecognizer:
        """Load a base version.

        Raises:
            ModelUnreadable: the weights are missing, damaged or other ones.
            CustomizationUnsupported: a custom model is given.
        """
        if custom.adapted_model is not None:
            raise CustomizationUnsupported("this engine cannot yet recognise with a custom acoustic model")
        if custom.language_model is not None or custom.grammar_name is not None:
            raise CustomizationUnsupported("this engine cannot yet recognise with a custom language model")
        return WhisperRecognizer(self.network(base_version), self._rules)

    def network(self, base_version: str | None = None) -> Network:
        """Return the network of a base version, loaded once for as long as somebody uses it.

        Args:
            base_version: of the catalogue; None, or one that it does not have: what this engine was made for.

        Raises:
            ModelUnreadable: the weights are missing, damaged or other ones.
        """
        weights, language = self._weights(base_version)
        key = _Key(weights.folder, language)
        with self._lock:
            network = self._networks.get(key)
            if network is None:
                network = self._networks[key] = Network(weights, language, self._threads, self._device)
            return network

    def _weights(self, base_version: str | None) -> tuple[Weights, str | None]:
        """Return the weights of a base version, and the language that the network is told."""
        if self._folder is not None:
            return in_folder(self._folder), self._language
        try:
            version = None if base_version is None else catalogue.base_version(base_version)
        except KeyError:
            version = None
        if version is None or version.base is None:
            return embedded(), self._language
        return staged_weights(version.base), version.language


class WhisperRecognizer:
    """A network, ready; threads may share it."""

    def __init__(self, network: Network, rules: Rules = RULES) -> None:
        self._network = network
        self._rules = rules

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the samples that `recognize` takes."""
        return SAMPLE_RATE_HZ

    @property
    def size_bytes(self) -> int:
        """About how much memory the network takes; recognisers of the same weights share it."""
        return self._network.size_bytes

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Decode one utterance; empty when nothing was said."""
        return self.recognize_all([samples], options)[0]

    def recognize_all(
        self, utterances: Sequence[Samples], options: DecodingOptions = DEFAULT_OPTIONS
    ) -> list[DecodedUtterance]:
        """Decode several utterances, in batches; each gets what `recognize` would give."""
        pieces = [
            (number, utterance[start:end], start)
            for number, utterance in enumerate(utterances)
            for start, end in cut(utterance)
        ]
        decoded = decode(
            self._network,
            [np.ascontiguousarray(samples, np.float32) for _, samples, _ in pieces],
            self._rules,
            self._rules.beam,
        )
        return [
            answer(
                self._network,
                [
                    Piece(start / SAMPLE_RATE_HZ, samples, found)
                    for (number, samples, start), found in zip(pieces, decoded, strict=True)
                    if number == wanted
                ],
                options,
            )
            for wanted in range(len(utterances))
        ]

    def stream(self) -> UtteranceStream:
        """Begin an utterance that is recognised while it is spoken."""
        return WhisperStream(self._network, self._rules)
