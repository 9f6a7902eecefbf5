"""A custom language model as this engine takes it: read from its artefact, for the readings of a window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chalicelib.engines import vocabulary
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.whisper.custom_words import CustomWords
from chalicelib.engines.whisper.decoding import Decoded
from chalicelib.engines.whisper.network import Encoded, Network, Reading
from chalicelib.engines.whisper.rescoring import CustomLanguage, rescored
from chalicelib.engines.whisper.rescoring import Reading as ScoredText
from chalicelib.language.artefact import Artefact, read_artefact
from chalicelib.language.preference import Preference
from chalicelib.language.sealed import ArchiveUnreadable

READINGS = 10
"""So many are weighed once more: with more the best of them is hardly better."""


def load_language(custom: CustomModels, base_version: str) -> CustomLanguage | None:
    """Return the custom language that is asked for; None for the base's own.

    Raises:
        ModelUnreadable: the file is damaged, or made for another base version.
    """
    if custom.language_model is None:
        return None
    try:
        artefact = read_artefact(custom.language_model)
        if base_version not in artefact.base_versions:
            made_for = ", ".join(artefact.base_versions)
            raise ModelUnreadable(f"{custom.language_model.name} was made for {made_for}, not {base_version}")
        weight = artefact.weight if custom.customization_weight is None else custom.customization_weight
        return custom_language(artefact, weight, base_version)
    except ArchiveUnreadable as error:
        raise ModelUnreadable(str(error)) from error


def custom_language(artefact: Artefact, weight: float, base_version: str) -> CustomLanguage:
    """Return what an artefact prefers at a weight.

    Raises:
        ArchiveUnreadable: its arrays are damaged.
    """
    words = [entry.word for entry in artefact.entries if entry.in_model]
    return CustomLanguage(
        Preference(artefact.ngrams, artefact.background, weight, words),
        CustomWords(artefact.entries, vocabulary.vocabulary(base_version).pronunciations),
    )


def preferred(network: Network, decoded: Decoded, language: CustomLanguage) -> Decoded:
    """Return what was found in a window as a custom language ranks it."""
    if not decoded.readings:
        return decoded
    texts: dict[str, Reading] = {}
    for reading in decoded.readings:
        texts.setdefault(network.tokens.decode(reading.ids).strip(), reading)

    def ids_of(text: str) -> tuple[int, ...]:
        known = texts.get(text)
        return tuple(network.tokens.encode(f" {text}")) if known is None else known.ids

    ranked = rescored(
        [ScoredText(text, reading.score, len(reading.ids)) for text, reading in texts.items()],
        language,
        lambda asked: score_texts(network, decoded.encoded, [ids_of(text) for text in asked]),
        lambda text: len(ids_of(text)),
    )
    readings = tuple(Reading(ids_of(one.text), one.score) for one in ranked)
    same = readings[0].ids == decoded.readings[0].ids
    return Decoded(
        decoded.encoded,
        readings,
        (),
        decoded.written if same else readings[0],
        decoded.no_speech,
        decoded.suppressed,
        decoded.odd,
    )


def score_texts(network: Network, encoded: Encoded, texts: Sequence[Sequence[int]]) -> list[float]:
    """Return the sum of the logarithms of the tokens of texts, none of them empty, heard in one window."""
    sums = []
    for ids in texts:
        [aligned] = network.align(encoded, [[one for one in ids if one < network.tokens.end]])
        sums.append(float(np.log(np.maximum(aligned.probabilities, 1e-10)).sum()))
    return sums
