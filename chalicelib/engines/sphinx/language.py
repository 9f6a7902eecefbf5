"""A custom language model as the decoder takes it: dictionary, trigram model, grammar, display forms."""

from __future__ import annotations

import functools
import hashlib
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from chalicelib.engines import model_cache
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.model_cache import HeldFile
from chalicelib.engines.protocol import CustomModels
from chalicelib.engines.sphinx.dictionary import bundled_language_folder, bundled_vocabulary
from chalicelib.engines.sphinx.trie import read_trie, trie_content
from chalicelib.language.artefact import Artefact, ArtefactWord, described, description, read_artefact
from chalicelib.language.grammars.grammar_network import GrammarNetwork
from chalicelib.language.grammars.srgs import GrammarError, parse
from chalicelib.language.ngram_models.interpolation import interpolated
from chalicelib.language.ngram_models.ngrams import NGrams
from chalicelib.language.sealed import ArchiveUnreadable

DICTIONARY = bundled_language_folder() / "cmudict-en-us.dict"

_MARKED = frozenset('()<>[]+#;%!"\\')
"""Signs by which the decoder knows fillers, comments and further pronunciations."""


@dataclass(frozen=True)
class DecoderLanguage:
    """What the decoder is to be made with. Its files stay for as long as this object lives."""

    dictionary: HeldFile
    trigrams: HeldFile
    grammar: GrammarNetwork | None
    """In the decoder's spelling; None where recognition is not restricted."""
    shown: Mapping[str, str]
    """What results show for custom words in the decoder's spelling."""

    def files(self) -> dict[str, str]:
        """Return the decoder's settings that name the files."""
        return {"dict": str(self.dictionary.path), "lm": str(self.trigrams.path)}


def load_language(custom: CustomModels, base_version: str) -> DecoderLanguage | None:
    """Return the custom language that is asked for; None for the base's own.

    The first use of a file takes half a second, or three for a weight that it was not trained with; later
    only what is needed is read, from the cache.

    Raises:
        ModelUnreadable: the file is damaged, made for another base version, or has no such grammar.
    """
    if custom.language_model is None:
        return None
    try:
        read = functools.cache(functools.partial(read_artefact, custom.language_model))
        stem = _key(custom.language_model)
        folder = model_cache.folder()
        about = _kept(folder / f"{stem}.json", lambda: description(read()))
        artefact = described(about.path)
        if base_version not in artefact.base_versions:
            made_for = ", ".join(artefact.base_versions)
            raise ModelUnreadable(f"{custom.language_model.name} was made for {made_for}, not {base_version}")
        weight = artefact.weight if custom.customization_weight is None else custom.customization_weight
        language = DecoderLanguage(
            _kept(folder / f"{stem}.dict", lambda: _dictionary(artefact.entries)),
            _kept(folder / f"{stem}.{weight:.4f}.lm.bin", lambda: _mixed(read(), weight)),
            None,
            {decoder_spelling(one.word): one.display_as or one.word for one in artefact.entries},
        )
        return (
            language if custom.grammar_name is None else _restricted(language, artefact, custom.grammar_name)
        )
    except (ArchiveUnreadable, GrammarError) as error:
        raise ModelUnreadable(str(error)) from error


def bundled_ngrams() -> NGrams:
    """Return the trigram model that pocketsphinx brings along (3.7 million n-grams, 0.9 s)."""
    return read_trie(bundled_language_folder() / "en-us.lm.bin")


def decoder_content(model: NGrams) -> bytes:
    """Return a trigram model as the decoder reads it."""
    return trie_content(replace(model, words=tuple(map(decoder_spelling, model.words))))


def decoder_spelling(word: str) -> str:
    """Return a word without signs that the decoder would take for its own."""
    if _MARKED.isdisjoint(word) or word in ("<s>", "</s>"):
        return word
    return "".join(urllib.parse.quote(sign) if sign in _MARKED else sign for sign in word)


def _dictionary(entries: Iterable[ArtefactWord]) -> bytes:
    """Return the base dictionary with the custom pronunciations behind it."""
    listed = bundled_vocabulary().pronunciations
    lines = []
    for entry in entries:
        spelling = decoder_spelling(entry.word)
        for place, phones in enumerate(entry.pronunciations, len(listed(entry.word)) + 1):
            lines.append(f"{spelling} {phones}\n" if place == 1 else f"{spelling}({place}) {phones}\n")
    content = DICTIONARY.read_bytes()
    return content + (b"" if content.endswith(b"\n") else b"\n") + "".join(lines).encode()


def _mixed(artefact: Artefact, weight: float) -> bytes:
    ready = artefact.rendered("sphinx")
    if ready is not None and weight == artefact.weight:
        return ready
    known = bundled_vocabulary().known
    extra = [one.word for one in artefact.entries if one.in_model and not known(one.word)]
    return decoder_content(interpolated(bundled_ngrams(), artefact.ngrams, weight, extra))


def _restricted(language: DecoderLanguage, artefact: Artefact, name: str) -> DecoderLanguage:
    grammar = artefact.grammars.get(name)
    if grammar is None:
        raise ModelUnreadable(f"the custom language model was trained without a grammar '{name}'")
    custom = {entry.word for entry in artefact.entries}
    network = parse(grammar.text, grammar.kind, custom).network
    known = bundled_vocabulary().known
    arcs = []
    for origin, target, probability, word in network.arcs:
        spoken = word if word is None or word in custom else word.lower()
        if spoken is None or spoken in custom or known(spoken):
            said = None if spoken is None else decoder_spelling(spoken)
            arcs.append((origin, target, probability, said))
    return replace(language, grammar=replace(network, arcs=tuple(arcs)))


def _key(path: Path) -> str:
    """Return a name for a file's contents as long as they stay."""
    found = path.stat()
    seen = f"{path.resolve()} {found.st_size} {found.st_mtime_ns}"
    return hashlib.sha256(seen.encode()).hexdigest()[:24]


def _kept(path: Path, make: Callable[[], bytes]) -> HeldFile:
    def write(target: Path) -> None:
        target.write_bytes(make())

    return model_cache.kept(path, write)
