"""Trigram models in pocketsphinx's binary trie format (`.lm.bin`), read and written whole.

A trie's path is the predicted word, the word before, the word before that. Probabilities are quantised to 16
bits by a table, n-grams are bit-packed; logarithms are to the base 1.0001.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.model_files import ModelFileUnreadable
from chalicelib.language.ngram_models.ngrams import (
    WORD_BITS,
    Chances,
    Keys,
    NGrams,
    history_of,
    last_word,
    lookup,
    pair_keys,
    shortened,
    triple_keys,
)
from chalicelib.language.ngram_models.sentence_marks import SENTENCE_START

_MAGIC = b"Trie Language Model"
_LOG_BASE = np.log(1.0001)
_QUANTISED_BITS = 16
_BINS = 1 << _QUANTISED_BITS
_QUANTISED = 1  # the format's number for quantisation to 16 bits
_UNIGRAM = np.dtype([("chance", "<f4"), ("backoff", "<f4"), ("first", "<u4")])
_SLACK_BYTES = 8  # the decoder reads eight bytes at a time
_NEVER = -99.0
_RECORDS_AT_ONCE = 1 << 18


@dataclass(frozen=True)
class _Sections:
    """The parts of a file, as it holds them."""

    names: list[str]
    tables: NDArray[np.float32]
    unigrams: NDArray[Any]
    middle: NDArray[np.uint8]
    ends: NDArray[np.uint8]
    widths: tuple[int, int, int, int]

    @property
    def chances(self) -> Chances:
        """The words' probabilities; 0 for the start of the sentence."""
        chances = _plain(self.unigrams["chance"][: len(self.names)])
        if SENTENCE_START in self.names:
            chances[self.names.index(SENTENCE_START)] = 0
        return chances


def read_unigrams(path: Path) -> dict[str, float]:
    """Read the words of a trigram model with their probabilities alone.

    Raises:
        ModelFileUnreadable: another format.
    """
    found = _sections(path)
    return dict(zip(found.names, found.chances.tolist(), strict=True))


def read_trie(path: Path) -> NGrams:
    """Read a trigram model.

    Raises:
        ModelFileUnreadable: another format.
    """
    found = _sections(path)
    names, tables, unigrams, widths = found.names, found.tables, found.unigrams, found.widths
    words = len(names)
    pair_count = int(unigrams["first"][words])
    word, backoff, chance, first = _unpacked(found.middle, pair_count + 1, widths)
    triple_count = int(first[pair_count])
    before, triple_chance = _unpacked(found.ends, triple_count, widths[:2])
    predicted = np.repeat(np.arange(words), _differences(unigrams["first"].astype(np.int64)))
    parent = np.repeat(np.arange(pair_count), _differences(first))
    pair = pair_keys(word[:pair_count], predicted)
    triple = triple_keys(before, word[parent], predicted[parent])
    pair_order, triple_order = np.argsort(pair), np.argsort(triple)
    return NGrams(
        tuple(names),
        found.chances,
        _plain(unigrams["backoff"][:words]),
        pair[pair_order],
        _plain(tables[0][chance[:pair_count]])[pair_order],
        _plain(tables[1][backoff[:pair_count]])[pair_order],
        triple[triple_order],
        _plain(tables[2][triple_chance])[triple_order],
    )


def _sections(path: Path) -> _Sections:
    content = path.read_bytes()
    position = len(_MAGIC)
    if not content.startswith(_MAGIC) or content[position : position + 1] != b"\x03":
        raise ModelFileUnreadable(f"{path.name} is no trigram model of pocketsphinx")
    try:
        words, pairs, triples = struct.unpack_from("<3I", content, position + 1)
        position += 17  # order, counts, kind of quantisation
        tables = np.frombuffer(content, "<f4", 3 * _BINS, position).reshape(3, _BINS)
        position += tables.nbytes
        unigrams = np.frombuffer(content, _UNIGRAM, words + 1, position)
        position += unigrams.nbytes
        widths = _widths(words, triples)
        middle = np.frombuffer(content, np.uint8, _array_bytes(pairs, sum(widths)), position)
        position += middle.nbytes
        ends = np.frombuffer(content, np.uint8, _array_bytes(triples, sum(widths[:2])), position)
        position += ends.nbytes
        (text_bytes,) = struct.unpack_from("<I", content, position)
        names = content[position + 4 : position + 4 + text_bytes].decode("utf-8").split("\0")[:words]
    except (struct.error, ValueError, UnicodeDecodeError) as error:
        raise ModelFileUnreadable(f"{path.name} is damaged: {error}") from error
    return _Sections(names, tables, unigrams, middle, ends, widths)


def trie_content(model: NGrams) -> bytes:
    """Return the content of a `.lm.bin` file; probabilities keep to within a thousandth."""
    words, pair_count, triple_count = len(model.words), len(model.pairs), len(model.triples)
    widths = _widths(words, triple_count)
    # Paths run from the predicted word back, so n-grams are sorted that way round.
    pair_order = np.argsort(_reversed_pairs(model.pairs))
    pairs = model.pairs[pair_order]
    ending, triple_order_key = shortened(model.triples), model.triples >> 2 * WORD_BITS
    triple_order = np.argsort((_reversed_pairs(ending) << WORD_BITS) | triple_order_key)
    triples = model.triples[triple_order]

    chance_table, chance_bins = _quantised(model.pair_chances[pair_order])
    backoff_table, backoff_bins = _quantised(model.pair_backoffs[pair_order])
    end_table, end_bins = _quantised(model.triple_chances[triple_order])
    unigrams = np.zeros(words + 1, _UNIGRAM)
    unigrams["chance"][:words], unigrams["backoff"][:words] = _logs(model.chances), _logs(model.backoffs)
    unigrams["first"] = np.searchsorted(last_word(pairs), np.arange(words + 1))
    parent, _ = lookup(_reversed_pairs(pairs), _reversed_pairs(shortened(triples)))
    first = np.searchsorted(parent, np.arange(pair_count + 1))
    closing = np.zeros(1, np.int64)
    middle = (
        np.append(history_of(pairs), closing),
        np.append(backoff_bins, closing),
        np.append(chance_bins, closing),
        first,
    )
    names = "".join(f"{word}\0" for word in model.words).encode("utf-8")
    return b"".join(
        (
            _MAGIC,
            struct.pack("<B4I", 3, words, pair_count, triple_count, _QUANTISED),
            chance_table.tobytes(),
            backoff_table.tobytes(),
            end_table.tobytes(),
            unigrams.tobytes(),
            _packed(middle, widths, _array_bytes(pair_count, sum(widths))),
            _packed(
                (triples >> 2 * WORD_BITS, end_bins), widths[:2], _array_bytes(triple_count, sum(widths[:2]))
            ),
            struct.pack("<I", len(names)),
            names,
        )
    )


def _widths(words: int, triples: int) -> tuple[int, int, int, int]:
    """Return the bits of a bigram's record: word, back-off, probability, first trigram below it."""
    return words.bit_length(), _QUANTISED_BITS, _QUANTISED_BITS, triples.bit_length()


def _array_bytes(records: int, bits: int) -> int:
    return ((1 + records) * bits + 7) // 8 + _SLACK_BYTES


def _unpacked(content: NDArray[np.uint8], records: int, widths: tuple[int, ...]) -> list[Keys]:
    padded = np.concatenate([content, np.zeros(8, np.uint8)])
    starts = np.arange(records, dtype=np.int64) * sum(widths)
    columns = []
    for width in widths:
        place, shift = starts >> 3, (starts & 7).astype(np.uint64)
        value = np.zeros(records, np.uint64)
        for byte in range(5):
            value |= padded[place + byte].astype(np.uint64) << np.uint64(8 * byte)
        columns.append(((value >> shift) & np.uint64((1 << width) - 1)).astype(np.int64))
        starts += width
    return columns


def _packed(columns: tuple[Keys, ...], widths: tuple[int, ...], size_bytes: int) -> bytes:
    """Return records of so many bits each, lowest bit first, filled up with zeros."""
    parts = []
    for start in range(0, len(columns[0]), _RECORDS_AT_ONCE):  # a multiple of eight, so parts end at bytes
        bits = [
            np.unpackbits(
                np.ascontiguousarray(column[start : start + _RECORDS_AT_ONCE], "<u4")
                .view(np.uint8)
                .reshape(-1, 4),
                axis=1,
                bitorder="little",
            )[:, :width]
            for column, width in zip(columns, widths, strict=True)
        ]
        parts.append(np.packbits(np.hstack(bits).ravel(), bitorder="little").tobytes())
    return b"".join(parts).ljust(size_bytes, b"\0")


def _reversed_pairs(pairs: Keys) -> Keys:
    return pair_keys(last_word(pairs), history_of(pairs))


def _quantised(chances: Chances) -> tuple[NDArray[np.float32], Keys]:
    """Return a table of evenly spaced logarithms, and each value's place in it."""
    logs = _logs(chances).astype(np.float64)
    low, high = (float(logs.min()), float(logs.max())) if len(logs) else (0.0, 0.0)
    step = max((high - low) / (_BINS - 1), 1e-6)
    table = (low + step * np.arange(_BINS)).astype("<f4")
    return table, np.clip(np.rint((logs - low) / step), 0, _BINS - 1).astype(np.int64)


def _logs(chances: Chances) -> NDArray[np.float32]:
    logs = np.log(np.maximum(chances, 1e-30)) / _LOG_BASE
    filled = np.where(chances > 0, logs, _NEVER * np.log(10) / _LOG_BASE)
    return np.asarray(filled, np.float32)


def _plain(logs: NDArray[np.float32]) -> Chances:
    return np.asarray(np.exp(logs.astype(np.float64) * _LOG_BASE))


def _differences(numbers: Keys) -> Keys:
    return numbers[1:] - numbers[:-1]
