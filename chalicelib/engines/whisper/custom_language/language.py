"""A custom language model as this engine takes it: read from its artefact, for the readings of a window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from chalicelib.engines import vocabulary
from chalicelib.engines.errors import CustomizationUnsupported, GrammarTooLarge, ModelUnreadable
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.whisper.custom_language.custom_words import CustomWords
from chalicelib.engines.whisper.custom_language.grammar import LEAST_ACCEPTANCE, SentenceChoice
from chalicelib.engines.whisper.custom_language.rescoring import CandidateReading as ScoredText
from chalicelib.engines.whisper.custom_language.rescoring import CustomLanguage, rescored
from chalicelib.engines.whisper.decoding.network import Encoded, Network, Reading
from chalicelib.engines.whisper.decoding.windows import DecodedWindow
from chalicelib.language.artefact import Artefact, read_artefact
from chalicelib.language.grammars.grammar_sentences import MOST_SENTENCES, sentences
from chalicelib.language.grammars.srgs import GrammarError, parse
from chalicelib.language.ngram_models.preference import Preference
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
    artefact = _read(custom.language_model, base_version)
    weight = artefact.weight if custom.customization_weight is None else custom.customization_weight
    try:
        return custom_language(artefact, weight, base_version)
    except ArchiveUnreadable as error:
        raise ModelUnreadable(str(error)) from error


def _read(path: Path, base_version: str) -> Artefact:
    try:
        artefact = read_artefact(path)
    except ArchiveUnreadable as error:
        raise ModelUnreadable(str(error)) from error
    if base_version not in artefact.base_versions:
        raise ModelUnreadable(
            f"{path.name} was made for {', '.join(artefact.base_versions)}, not {base_version}"
        )
    return artefact


def custom_language(artefact: Artefact, weight: float, base_version: str) -> CustomLanguage:
    """Return what an artefact prefers at a weight.

    Raises:
        ArchiveUnreadable: its arrays are damaged.
    """
    entries = [entry for entry in artefact.entries if entry.in_model]
    return CustomLanguage(
        Preference(artefact.ngrams, artefact.background, weight, [entry.word for entry in entries]),
        CustomWords(entries, vocabulary.vocabulary(base_version).pronunciations, artefact.entries),
    )


def load_grammar(custom: CustomModels, base_version: str) -> SentenceChoice | None:
    """Return the sentences of the grammar that is asked for; None where none is.

    Raises:
        ModelUnreadable: the file is damaged, made for another base version, or has no such grammar.
        GrammarTooLarge: it has more sentences than can be scored.
    """
    name = custom.grammar_name
    if name is None:
        return None
    if custom.language_model is None:
        raise CustomizationUnsupported("a grammar needs the custom language model that holds it")
    artefact = _read(custom.language_model, base_version)
    grammar = artefact.grammars.get(name)
    if grammar is None:
        raise ModelUnreadable(f"the custom language model was trained without a grammar '{name}'")
    try:
        network = parse(grammar.text, grammar.kind, {entry.word for entry in artefact.entries}).network
    except GrammarError as error:
        raise ModelUnreadable(str(error)) from error
    listed = sentences(network)
    if listed is None:
        raise GrammarTooLarge(name, MOST_SENTENCES)
    return SentenceChoice(listed, artefact.entries, vocabulary.vocabulary(base_version).pronunciations)


def preferred(network: Network, decoded: DecodedWindow, language: CustomLanguage) -> DecodedWindow:
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
    written = decoded.written if same else readings[0]
    return replace(decoded, readings=readings, wider=(), written=written, aligned=None)


def restricted(
    network: Network, decoded: DecodedWindow, choice: SentenceChoice
) -> tuple[DecodedWindow, float]:
    """Return what was found in a window as a sentence of a grammar, and how likely it is one, 0…1.

    Whatever else was said is refused: then there are no readings.
    """
    free = [network.tokens.decode(reading.ids).strip() for reading in decoded.readings]
    heard = choice.heard(
        list(dict.fromkeys(free)),
        lambda texts: score_texts(
            network, decoded.encoded, [network.tokens.encode(f" {text}") for text in texts]
        ),
        lambda text: len(network.tokens.encode(f" {text}")),
    )
    if heard is None or heard.acceptance < LEAST_ACCEPTANCE:
        return replace(decoded, readings=(), wider=(), written=None, aligned=None), 0.0
    reading = Reading(tuple(network.tokens.encode(f" {heard.text}")), heard.score)
    return replace(decoded, readings=(reading,), wider=(), written=reading, aligned=None), heard.acceptance


def score_texts(network: Network, encoded: Encoded, texts: Sequence[Sequence[int]]) -> list[float]:
    """Return the sum of the logarithms of the tokens of texts, none of them empty, heard in one window."""
    sums = []
    for ids in texts:
        [aligned] = network.align(encoded, [[one for one in ids if one < network.tokens.end]])
        sums.append(float(np.log(np.maximum(aligned.probabilities, 1e-10)).sum()))
    return sums
