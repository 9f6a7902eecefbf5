"""Corpora: UTF-8 text, one sentence a line, read as a stream of normalised sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from chalicelib.language.spoken.tokenisation import Tokeniser

MAX_LINE_BYTES = 1 << 20
MAX_WORDS = 10_000_000
MAX_OOV_WORDS = 90_000
MAX_WORD_CHARACTERS = 128
"""As a custom word may have; what is longer is no word, and no pronunciation is guessed for it."""

_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b\x1a"))
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class CorpusUnreadable(Exception):
    """A corpus cannot be used; says in which line, and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        """Counted from 1."""
        self.reason = reason


@dataclass(frozen=True)
class CorpusAnalysis:
    """What a corpus holds."""

    total_words: int
    oov: Mapping[str, int]
    """How often each word that the base vocabulary lacks occurs, as the corpus writes it."""


def analyse(
    source: Path | BinaryIO, known_words: Callable[[str], bool], custom_words: Collection[str] = ()
) -> CorpusAnalysis:
    """Count a corpus' words, and find those that the base vocabulary lacks.

    Args:
        source: the file, or a binary stream at its start; read once, line by line.
        known_words: whether the base vocabulary has a word, given in lower case.
        custom_words: words that are to be found as they are written, whatever signs they hold.

    Raises:
        CorpusUnreadable: not UTF-8 text, a line too long, or more words than a model may have.
    """
    total, oov = 0, Counter[str]()
    custom = frozenset(custom_words)
    for number, words in _numbered_sentences(source, known_words, custom):
        total += len(words)
        oov.update(
            word
            for word in words
            if word in custom or (len(word) <= MAX_WORD_CHARACTERS and not known_words(word))
        )
        if total > MAX_WORDS:
            raise CorpusUnreadable(number, f"the corpus has more than {MAX_WORDS:,} words")
        if len(oov) > MAX_OOV_WORDS:
            raise CorpusUnreadable(
                number, f"the corpus has more than {MAX_OOV_WORDS:,} out-of-vocabulary words"
            )
    return CorpusAnalysis(total, oov)


def sentences(
    source: Path | BinaryIO, known_words: Callable[[str], bool], custom_words: Collection[str] = ()
) -> Iterator[list[str]]:
    """Yield the normalised words of each line that has any.

    Raises:
        CorpusUnreadable: not UTF-8 text, or a line too long.
    """
    for _, words in _numbered_sentences(source, known_words, custom_words):
        yield words


def _numbered_sentences(
    source: Path | BinaryIO, known_words: Callable[[str], bool], custom_words: Collection[str]
) -> Iterator[tuple[int, list[str]]]:
    tokeniser = Tokeniser(known_words, custom_words)
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield from _read(file, tokeniser)
    else:
        yield from _read(source, tokeniser)


def _read(file: BinaryIO, tokeniser: Tokeniser) -> Iterator[tuple[int, list[str]]]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1 and line.startswith(_UTF16_MARKS):
            raise CorpusUnreadable(1, "the text is UTF-16; a corpus must be UTF-8")
        if len(line) > MAX_LINE_BYTES:
            raise CorpusUnreadable(
                number, f"the line is longer than {MAX_LINE_BYTES >> 20} MB; write one sentence a line"
            )
        if len(line.translate(None, _CONTROLS)) != len(line):
            raise CorpusUnreadable(number, "the line holds control characters; a corpus must be UTF-8 text")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorpusUnreadable(
                number, f"byte {error.start + 1} of the line is not UTF-8; save the corpus as UTF-8"
            ) from error
        words = tokeniser.words(text)
        if words:
            yield number, words
