"""A trained custom language model as one file: n-grams, words, grammars, and the mixture with the base."""

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

from chalicelib.language.grammars import Kind
from chalicelib.language.ngrams import NGrams
from chalicelib.language.sealed import ArchiveUnreadable, read_sealed, write_sealed

FORMAT = 1
KIND = "language"

_SENTENCES, _NGRAMS, _VOCABULARY, _WORDS, _GRAMMARS, _MIXED = (
    "sentences.txt",
    "ngrams.npz",
    "vocabulary.txt",
    "words.json",
    "grammars.json",
    "mixed.bin",
)
_MAX_BYTES = {
    _SENTENCES: 64 << 20,
    _NGRAMS: 256 << 20,
    _VOCABULARY: 32 << 20,
    _WORDS: 64 << 20,
    _GRAMMARS: 64 << 20,
    _MIXED: 512 << 20,
}
_MAX_UNPACKED_BYTES = 800 << 20
_MEANT = {_WORDS: "custom words with their display_as and pronunciations", _GRAMMARS: "grammars"}
_ARRAYS = ("chances", "backoffs", "pairs", "pair_chances", "pair_backoffs", "triples", "triple_chances")


class ArtefactTooLarge(Exception):
    """A custom language model would hold more than recognition reads; the message is for its user."""

    def __init__(self, what: str, limit_bytes: int) -> None:
        super().__init__(
            f"The model's {what} take more than {limit_bytes >> 20} MB; delete some of them, and train again"
        )


@dataclass(frozen=True)
class Entry:
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

    base_version: str
    weight: float
    """The customization weight that the mixture was made with."""
    entries: tuple[Entry, ...]
    grammars: Mapping[str, GrammarText]
    members: Mapping[str, bytes]
    """The n-grams of the corpora and the mixture, as the file holds them."""

    @functools.cached_property
    def ngrams(self) -> NGrams | None:
        """The model of the corpora alone; None when there were none.

        Raises:
            ArchiveUnreadable: the arrays are damaged.
        """
        if _NGRAMS not in self.members:
            return None
        try:
            with np.load(io.BytesIO(self.members[_NGRAMS]), allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in _ARRAYS}
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise ArchiveUnreadable(f"the n-grams are damaged: {error}") from error
        words = tuple(self.members[_VOCABULARY].decode("utf-8").split("\n"))
        return NGrams(
            words,
            *(
                array.astype(np.int64 if name in ("pairs", "triples") else np.float64)
                for name, array in found.items()
            ),
        )

    @property
    def sentences(self) -> Iterator[list[str]]:
        """The words of the corpora's sentences, as far as they were kept."""
        for line in self.members.get(_SENTENCES, b"").decode("utf-8").splitlines():
            yield line.split(" ")

    @property
    def mixed(self) -> bytes:
        """The mixture with the base model at `weight`, in the engine's own format."""
        return self.members[_MIXED]


def members_of(ngrams: NGrams | None, mixed: bytes, sentences: Iterable[str] = ()) -> dict[str, bytes]:
    """Return n-grams, mixture and sentences, words separated by single spaces, as the file holds them."""
    if ngrams is None:
        return {_MIXED: mixed}
    file = io.BytesIO()
    arrays = {
        name: array if name in ("pairs", "triples") else array.astype(np.float32)
        for name in _ARRAYS
        for array in (getattr(ngrams, name),)
    }
    np.savez(file, **arrays)
    return {
        _SENTENCES: "\n".join(sentences).encode(),
        _NGRAMS: file.getvalue(),
        _VOCABULARY: "\n".join(ngrams.words).encode(),
        _MIXED: mixed,
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
        "base_version": artefact.base_version,
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
    if (described.get("format"), described.get("kind")) != (FORMAT, KIND) or _MIXED not in members:
        raise ArchiveUnreadable(f"{path.name} is no custom language model of format {FORMAT}")
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
            "base_version": artefact.base_version,
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
    described: Mapping[str, object], words: Any, grammars: Any, members: Mapping[str, bytes]
) -> Artefact:
    return Artefact(
        str(described["base_version"]),
        float(str(described["weight"])),
        tuple(
            Entry(one["word"], tuple(one["pronunciations"]), one["display_as"], one["in_model"])
            for one in words
        ),
        {name: GrammarText(one["kind"], one["text"]) for name, one in grammars.items()},
        members,
    )


def _grammars(artefact: Artefact) -> dict[str, dict[str, str]]:
    return {name: {"kind": one.kind, "text": one.text} for name, one in artefact.grammars.items()}


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
