"""The neural engine behind the protocol of all engines."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from chalicelib.engines import catalogue
from chalicelib.engines.collected import CollectedStream
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import (
    BASE_ALONE,
    DEFAULT_OPTIONS,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Samples,
    UtteranceStream,
)
from chalicelib.engines.whisper.custom_language.grammar import SentenceChoice, as_sure
from chalicelib.engines.whisper.custom_language.language import (
    READINGS,
    load_grammar,
    load_language,
    preferred,
    restricted,
)
from chalicelib.engines.whisper.custom_language.rescoring import CustomLanguage
from chalicelib.engines.whisper.decoding.answer import answer
from chalicelib.engines.whisper.decoding.cutting import cut
from chalicelib.engines.whisper.decoding.left_out import WindowPiece, completed
from chalicelib.engines.whisper.decoding.network import Network, ProcessorThreads
from chalicelib.engines.whisper.decoding.streaming import WhisperStream
from chalicelib.engines.whisper.decoding.windows import RULES, DecodingRules, decode
from chalicelib.engines.whisper.mel import SAMPLE_RATE_HZ
from chalicelib.engines.whisper.model.adapted_network import read_artefact
from chalicelib.engines.whisper.model.low_rank import NotForThisBase
from chalicelib.engines.whisper.model.merging import Share
from chalicelib.engines.whisper.model.weights import NetworkWeights, embedded, in_folder, staged_weights


@dataclass(frozen=True)
class _Key:
    folder: Path
    language: str | None
    taught: tuple[tuple[str, float], ...]
    """Checksums of what else it was taught, and how much of it."""


class WhisperEngine:
    """Loads networks of the Whisper family; recognisers of the same weights share them."""

    def __init__(
        self,
        folder: Path | None = None,
        language: str | None = None,
        rules: DecodingRules | None = None,
        threads: ProcessorThreads | None = None,
        device: str = "auto",
    ) -> None:
        """Take what is loaded, and how.

        Args:
            folder: a network as CTranslate2 keeps it; None: the embedded one.
            language: that is spoken, for networks that know many.
            rules: how windows are decoded; None: as the network was taught.
            threads: of the processor; None: a call for each core at a time.
            device: `cpu`, `cuda`, or `auto`: a graphics processor where there is one.
        """
        self._folder = folder
        self._language = language
        self._rules = rules
        self._threads = threads or ProcessorThreads(workers=len(os.sched_getaffinity(0)))
        self._device = device
        self._lock = threading.Lock()
        self._networks: weakref.WeakValueDictionary[_Key, Network] = weakref.WeakValueDictionary()

    def load(self, base_version: str, custom: CustomModels = BASE_ALONE) -> WhisperRecognizer:
        """Load a base version with the custom acoustic and language models that are given.

        Raises:
            ModelUnreadable: the weights are missing, damaged or other ones, or a custom model is damaged or
                was made for others.
            GrammarTooLarge: the grammar has more sentences than this engine scores.
            CustomizationUnsupported: a grammar is given without what holds it.
        """
        delta = None if custom.adapted_model is None else read_artefact(custom.adapted_model, base_version)
        language, grammar = load_language(custom, base_version), load_grammar(custom, base_version)
        try:
            network = self.network(base_version, [] if delta is None else [Share(delta)])
        except NotForThisBase as reason:
            path = custom.adapted_model
            raise ModelUnreadable(f"{path.name if path else 'the custom model'}: {reason}") from None
        rules = self._rules or replace(RULES, window=network.window)
        return WhisperRecognizer(network, rules, language, grammar)

    def network(self, base_version: str | None = None, shares: Sequence[Share] = ()) -> Network:
        """Return the network of a base version, loaded once for as long as somebody uses it.

        Args:
            base_version: of the catalogue; None, or one that it does not have: what this engine was made for.
            shares: what else it was taught.

        Raises:
            NotForThisBase: what it was taught belongs to other weights, or does not fit them.
            ModelUnreadable: the weights are missing, damaged or other ones.
        """
        weights, language = self._weights(base_version)
        taught = tuple((share.delta.sha256, share.alpha) for share in shares if share.alpha)
        key = _Key(weights.folder, language, taught)
        with self._lock:
            network = self._networks.get(key)
            if network is None:
                network = Network(weights, language, self._threads, self._device, shares if taught else ())
                self._networks[key] = network
            return network

    def _weights(self, base_version: str | None) -> tuple[NetworkWeights, str | None]:
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

    def __init__(
        self,
        network: Network,
        rules: DecodingRules = RULES,
        language: CustomLanguage | None = None,
        grammar: SentenceChoice | None = None,
    ) -> None:
        self._network = network
        self._rules = rules if language is None else replace(rules, beam=max(rules.beam, READINGS))
        self._language = language
        self._grammar = grammar

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the samples that `recognize` takes."""
        return SAMPLE_RATE_HZ

    @property
    def size_bytes(self) -> int:
        """About how much memory the network takes; recognisers of the same weights share it."""
        return self._network.size_bytes

    @property
    def shared(self) -> object:
        """What recognisers of the same weights share."""
        return self._network

    def recognize(self, samples: Samples, options: DecodingOptions = DEFAULT_OPTIONS) -> DecodedUtterance:
        """Decode one utterance; empty when nothing was said."""
        return self.recognize_all([samples], options)[0]

    def recognize_all(
        self, utterances: Sequence[Samples], options: DecodingOptions = DEFAULT_OPTIONS
    ) -> list[DecodedUtterance]:
        """Decode several utterances, in batches; each gets what `recognize` would give."""
        language = self._language
        if language is not None:
            asked = replace(options, keywords=language.words.asked(options.keywords))
            found = self._recognized(utterances, asked, language)
            return [language.words.shown(one, options.keywords) for one in found]
        return self._recognized(utterances, options)

    def _recognized(
        self,
        utterances: Sequence[Samples],
        options: DecodingOptions,
        language: CustomLanguage | None = None,
    ) -> list[DecodedUtterance]:
        cuts = [
            (number, start, np.ascontiguousarray(utterance[start:end], np.float32))
            for number, utterance in enumerate(utterances)
            for start, end in cut(utterance, self._rules.window)
        ]
        decoded = decode(self._network, [samples for *_, samples in cuts], self._rules, self._rules.beam)
        pieces: list[list[WindowPiece]] = [[] for _ in utterances]
        for (number, start, samples), one in zip(cuts, decoded, strict=True):
            pieces[number] += self._pieces(WindowPiece(start / SAMPLE_RATE_HZ, samples, one), language)
        return [self._answer(own, options) for own in pieces]

    def _pieces(self, piece: WindowPiece, language: CustomLanguage | None) -> list[WindowPiece]:
        """Return a piece, in parts where it left out speech, as the custom language ranks their readings."""
        if self._grammar is not None:
            return [piece]
        parts = completed(self._network, piece, self._rules)
        if language is None:
            return parts
        return [replace(part, decoded=preferred(self._network, part.decoded, language)) for part in parts]

    def _answer(self, pieces: Sequence[WindowPiece], options: DecodingOptions) -> DecodedUtterance:
        if self._grammar is None:
            return answer(self._network, pieces, options)
        judged = [restricted(self._network, piece.decoded, self._grammar) for piece in pieces]
        kept = [replace(piece, decoded=one) for piece, (one, _) in zip(pieces, judged, strict=True)]
        found = answer(self._network, kept, options)
        return as_sure(found, min((probability for _, probability in judged), default=0.0))

    def stream(self) -> UtteranceStream:
        """Begin an utterance that is recognised while it is spoken."""
        if self._language is not None:
            return CollectedStream(self)  # words are weighed with those that follow
        return WhisperStream(self._network, self._rules)
