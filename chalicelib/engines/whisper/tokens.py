"""Tokens of a Whisper network: byte-level BPE both ways, and the ids of its special tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import tiktoken

from chalicelib.engines.errors import ModelUnreadable

_PIECES = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""GPT-2's expression: no token reaches across these pieces of a text."""
_SPECIAL = re.compile(r"<\|.*\|>")
_LANGUAGE = re.compile(r"<\|([a-z]{2,3})\|>")
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
"""Languages that are written without spaces between words."""


def _byte_of_character() -> dict[str, int]:
    """Return GPT-2's printable stand-ins for bytes."""
    shown = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {chr(byte): byte for byte in shown} | {chr(256 + at): byte for at, byte in enumerate(hidden)}


_BYTES = _byte_of_character()


class Tokens:
    """The vocabulary of one network; ids are the places of its tokens in the vocabulary's file."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        """Take the tokens, in the order of their ids.

        Raises:
            ModelUnreadable: it is not the vocabulary of a Whisper network.
        """
        special = {token: at for at, token in enumerate(vocabulary) if _SPECIAL.fullmatch(token)}
        try:
            ranks = {
                bytes(_BYTES[character] for character in token): at
                for at, token in enumerate(vocabulary)
                if token not in special
            }
            self._encoding = tiktoken.Encoding(
                "whisper", pat_str=_PIECES, mergeable_ranks=ranks, special_tokens=special
            )
            self.end: int = special["<|endoftext|>"]
            self.start: int = special["<|startoftranscript|>"]
            self.transcribe: int = special["<|transcribe|>"]
            self.no_times: int = special["<|notimestamps|>"]
        except KeyError as missing:
            raise ModelUnreadable(f"not the vocabulary of a Whisper network: {missing} is missing") from None
        self.size = len(vocabulary)
        self._pieces = [b""] * self.size
        """Of special tokens nothing."""
        for piece, at in ranks.items():
            self._pieces[at] = piece
        self._containing: dict[str, tuple[int, ...]] = {}
        self._languages = {
            found[1]: at
            for token, at in special.items()
            if self.start < at < self.transcribe and (found := _LANGUAGE.fullmatch(token))
        }

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Two- or three-letter codes of the languages that have a token."""
        return tuple(self._languages)

    def prompt(self, language: str | None) -> list[int]:
        """Return what stands before the text and `<|notimestamps|>`; without a language: of English networks.

        Raises:
            ModelUnreadable: the network does not know the language.
        """
        if language is None:
            return [self.start]
        if language not in self._languages:
            raise ModelUnreadable(f"this network does not know the language {language!r}")
        return [self.start, self._languages[language], self.transcribe]

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text, none of them special."""
        return self._encoding.encode_ordinary(text)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; special ones have none, and broken characters become U+FFFD."""
        return b"".join(self._bytes(one) for one in ids).decode(errors="replace")

    def words(self, ids: Sequence[int], language: str | None = None) -> list[list[int]]:
        """Return the ids by written word: each begins with a space, or is one character."""
        if language in _UNSPACED:
            return self._characters(ids)
        words: list[list[int]] = []
        for one in ids:
            if not words or self._bytes(one)[:1].isspace():
                words.append([])
            words[-1].append(one)
        return words

    def containing_any(self, characters: str) -> tuple[int, ...]:
        """Return the ids of all ordinary tokens that contain one of the characters."""
        if characters not in self._containing:
            wanted = re.compile(b"|".join(re.escape(character.encode()) for character in characters))
            self._containing[characters] = tuple(
                one for one, piece in enumerate(self._pieces) if wanted.search(piece)
            )
        return self._containing[characters]

    def _characters(self, ids: Sequence[int]) -> list[list[int]]:
        words: list[list[int]] = []
        pending: list[int] = []
        for one in ids:
            pending.append(one)
            if "\ufffd" not in self.decode(pending):
                words.append(pending)
                pending = []
        return [*words, pending] if pending else words

    def _bytes(self, one: int) -> bytes:
        return self._pieces[one]


def read_tokens(folder: Path) -> Tokens:
    """Read the vocabulary of a CTranslate2 folder.

    Raises:
        ModelUnreadable: there is none, or it cannot be read.
    """
    return Tokens(read_vocabulary(folder))


def read_vocabulary(folder: Path) -> list[str]:
    """Return the tokens of a CTranslate2 folder, in the order of their ids; raises as `read_tokens`."""
    path = next((folder / name for name in _VOCABULARIES if (folder / name).is_file()), None)
    if path is None:
        raise ModelUnreadable(f"{folder} has no {' or '.join(_VOCABULARIES)}")
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".txt":
            return text.removesuffix("\n").split("\n")
        vocabulary = json.loads(text)
    except ValueError as error:
        raise ModelUnreadable(f"{path} cannot be read: {error}") from None
    if not isinstance(vocabulary, list) or not all(isinstance(token, str) for token in vocabulary):
        raise ModelUnreadable(f"{path} is not a list of tokens")
    return vocabulary
