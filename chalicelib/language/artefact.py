"""A trained custom language model as one file: n-grams, words, grammars, and what engines add to them."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.language.grammars.srgs import Kind
from chalicelib.language.ngram_models.ngrams import Chances, NGrams
from chalicelib.language.sealed import ArchiveUnreadable, read_sealed, write_sealed

FORMAT = 2
KIND = "language"
RENDERED = ("sphinx",)
"""Engines that may add the mixture with the base model in a format of their own."""

_SENTENCES, _NGRAMS, _VOCABULARY, _WORDS, _GRAMMARS = (
    "sentences.txt",
    "ngrams.npz",
    "vocabulary.txt",
    "words.json",
    "grammars.json",
)
_OLD_FORMAT, _OLD_RENDERED = 1, "mixed.bin"
"""Models of that format were made for one base version, and always by one engine."""
_MAX_BYTES = {
    _SENTENCES: 64 << 20,
    _NGRAMS: 256 << 20,
    _VOCABULARY: 32 << 20,
    _WORDS: 64 << 20,
    _GRAMMARS: 64 << 20,
    **{f"{engine}.bin": 512 << 20 for engine in RENDERED},
    _OLD_RENDERED: 512 << 20,
}
_MAX_UNPACKED_BYTES = 800 << 20
_MEANT = {_WORDS: "custom words with their display_as and pronunciations", _GRAMMARS: "grammars"}
_BACKGROUND = "background"
_ARRAYS = ("chances", "backoffs", "pairs", "pair_chances", "pair_backoffs", "triples", "triple_chances")
_KEYS = ("pairs", "triples")


class ArtefactTooLarge(Exception):
    """A custom language model would hold more than recognition reads; the message is for its user."""

    def __init__(self, what: str, limit_bytes: int) -> None:
        super().__init__(
            f"The model's {what} take more than {limit_bytes >> 20} MB; delete some of them, and train again"
        )


@dataclass(frozen=True)
class ArtefactWord:
    """A custom word as the engine takes it."""

    word: str
    pronunciations: tuple[str, ...]
    """Phones separated by spaces; further ones of a word that the base vocabulary has."""
    display_as: str | None = None
    """What results show instead of the word."""
    in_model: bool = True
    """False for a word that only grammars may bring."""


@dataclass(frozen=True)
class GrammarText:
    """A grammar as its user wrote it."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Artefact:
    """A custom language model that was read or is to be written."""

    base_versions: tuple[str, ...]
    """Where it can be used: first the version that it was trained on."""
    weight: float
    """The customization weight that it was trained with."""
    entries: tuple[ArtefactWord, ...]
    grammars: Mapping[str, GrammarText]
    members: Mapping[str, bytes]
    """The n-grams of the corpora and what engines add, as the file holds them."""

    @property
    def base_version(self) -> str:
        """The version that it was trained on."""
        return self.base_versions[0]

    @functools.cached_property
    def ngrams(self) -> NGrams | None:
        """The model of the corpora alone; None when there were none.

        Raises:
            ArchiveUnreadable: the arrays are damaged.
        """
        if _NGRAMS not in self.members:
            return None
        words = tuple(self.members[_VOCABULARY].decode("utf-8").split("\n"))
        found = self._arrays(*_ARRAYS)
        return NGrams(
            words,
            *(
                array.astype(np.int64 if name in _KEYS else np.float64)
                for name, array in zip(_ARRAYS, found, strict=True)
            ),
        )

    @functools.cached_property
    def background(self) -> Chances | None:
        """How likely each word of `ngrams` is in the base language; None where there are no n-grams.

        Raises:
            ArchiveUnreadable: the arrays are damaged.
        """
        if _NGRAMS not in self.members:
            return None
        (found,) = self._arrays(_BACKGROUND)
        return np.asarray(found, np.float64)

    def _arrays(self, *names: str) -> list[Any]:
        try:
            with np.load(io.BytesIO(self.members[_NGRAMS]), allow_pickle=False) as arrays:
                return [arrays[name] for name in names]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise ArchiveUnreadable(f"the n-grams are damaged: {error}") from error

    @property
    def sentences(self) -> Iterator[list[str]]:
        """The words of the corpora's sentences, as far as they were kept."""
        for line in self.members.get(_SENTENCES, b"").decode("utf-8").splitlines():
            yield line.split(" ")

    def rendered(self, engine: str) -> bytes | None:
        """The mixture with the base model at `weight`, in an engine's own format, where one was added."""
        return self.members.get(f"{engine}.bin")


def members_of(
    ngrams: NGrams | None,
    background: Chances | None = None,
    sentences: Iterable[str] = (),
    rendered: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """Return the members of an artefact as the file holds them.

    Args:
        ngrams: of the corpora; None when there were none.
        background: how likely each word of the n-grams is in the base language.
        sentences: of the corpora, words separated by single spaces.
        rendered: the mixture with the base model, by the engines of `RENDERED` that add it.
    """
    members = {f"{engine}.bin": content for engine, content in (rendered or {}).items()}
    if ngrams is None:
        return members
    file = io.BytesIO()
    arrays = {
        name: array if name in _KEYS else array.astype(np.float32)
        for name in _ARRAYS
        for array in (getattr(ngrams, name),)
    }
    known = np.zeros(len(ngrams.words)) if background is None else background
    np.savez(file, allow_pickle=False, **arrays, **{_BACKGROUND: known.astype(np.float32)})
    return {
        _SENTENCES: "\n".join(sentences).encode(),
        _NGRAMS: file.getvalue(),
        _VOCABULARY: "\n".join(ngrams.words).encode(),
        **members,
    }


def write_artefact(path: Path, artefact: Artefact) -> None:
    """Write a custom language model.

    Raises:
        ArtefactTooLarge: it holds more than `read_artefact` takes.
    """
    members = {
        _WORDS: _json([dataclasses.asdict(one) for one in artefact.entries]),
        _GRAMMARS: _json(_grammars(artefact)),
        **artefact.members,
    }
    described = {
        "format": FORMAT,
        "kind": KIND,
        "base_versions": artefact.base_versions,
        "weight": artefact.weight,
    }
    for name, content in members.items():
        if len(content) > _MAX_BYTES[name]:
            raise ArtefactTooLarge(_MEANT.get(name, "text"), _MAX_BYTES[name])
    if sum(map(len, members.values())) > _MAX_UNPACKED_BYTES:
        raise ArtefactTooLarge("text, words and grammars together", _MAX_UNPACKED_BYTES)
    write_sealed(path, members, described)


def read_artefact(path: Path) -> Artefact:
    """Read a custom language model.

    Raises:
        ArchiveUnreadable: damaged, too large, or of another kind or format.
    """
    described, members = read_sealed(path, _MAX_BYTES, _MAX_UNPACKED_BYTES)
    if described.get("kind") != KIND or described.get("format") not in (FORMAT, _OLD_FORMAT):
        raise ArchiveUnreadable(f"{path.name} is no custom language model of format {FORMAT}")
    if described["format"] == _OLD_FORMAT:
        described["base_versions"] = [described.get("base_version")]
        if _OLD_RENDERED in members:
            members[f"{RENDERED[0]}.bin"] = members.pop(_OLD_RENDERED)
    try:
        return _artefact(
            described, json.loads(members.pop(_WORDS)), json.loads(members.pop(_GRAMMARS)), members
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArchiveUnreadable(f"{path.name}: its words or grammars are damaged") from error


def description(artefact: Artefact) -> bytes:
    """Return everything but n-grams, mixture and sentences, for `described` to read in a moment."""
    return _json(
        {
            "base_versions": artefact.base_versions,
            "weight": artefact.weight,
            "words": [dataclasses.asdict(one) for one in artefact.entries],
            "grammars": _grammars(artefact),
        }
    )


def described(path: Path) -> Artefact:
    """Read what `description` gave: an artefact without members."""
    found = json.loads(path.read_bytes())
    return _artefact(found, found["words"], found["grammars"], {})


def _artefact(
    described: Mapping[str, Any], words: Any, grammars: Any, members: Mapping[str, bytes]
) -> Artefact:
    return Artefact(
        tuple(map(str, described["base_versions"])),
        float(described["weight"]),
        tuple(
            ArtefactWord(one["word"], tuple(one["pronunciations"]), one["display_as"], one["in_model"])
            for one in words
        ),
        {name: GrammarText(one["kind"], one["text"]) for name, one in grammars.items()},
        members,
    )


def _grammars(artefact: Artefact) -> dict[str, dict[str, str]]:
    return {name: {"kind": one.kind, "text": one.text} for name, one in artefact.grammars.items()}


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
