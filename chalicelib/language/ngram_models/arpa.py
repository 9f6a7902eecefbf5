"""N-gram models as text in the ARPA format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from chalicelib.language.ngram_models.ngrams import (
    WORD_BITS,
    Chances,
    NGrams,
    history_of,
    last_word,
    pair_keys,
    shortened,
    triple_keys,
)
from chalicelib.language.ngram_models.sentence_marks import SENTENCE_END, SENTENCE_START

_NEVER = -99.0
_ORDERS = 3


class ArpaUnreadable(Exception):
    """A file is no trigram model in the ARPA format; says in which line and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line


def write_arpa(path: Path, model: NGrams) -> None:
    """Write a model, logarithms to the base of ten with seven places."""
    words = model.words
    with path.open("w", encoding="utf-8") as file:
        counts = (len(words), len(model.pairs), len(model.triples))
        file.write("\\data\\\n" + "".join(f"ngram {n}={count}\n" for n, count in enumerate(counts, 1)))
        file.write("\n\\1-grams:\n")
        for word, chance, backoff in zip(words, _logs(model.chances), _logs(model.backoffs), strict=True):
            file.write(f"{chance:.7f}\t{word}\t{backoff:.7f}\n")
        file.write("\n\\2-grams:\n")
        firsts, seconds = history_of(model.pairs).tolist(), last_word(model.pairs).tolist()
        rows = zip(firsts, seconds, _logs(model.pair_chances), _logs(model.pair_backoffs), strict=True)
        for first, second, chance, backoff in rows:
            file.write(f"{chance:.7f}\t{words[first]} {words[second]}\t{backoff:.7f}\n")
        file.write("\n\\3-grams:\n")
        before = (model.triples >> 2 * WORD_BITS).tolist()
        middle = history_of(shortened(model.triples)).tolist()
        last = last_word(model.triples).tolist()
        for one, two, three, chance in zip(before, middle, last, _logs(model.triple_chances), strict=True):
            file.write(f"{chance:.7f}\t{words[one]} {words[two]} {words[three]}\n")
        file.write("\n\\end\\\n")


def read_arpa(path: Path) -> NGrams:
    """Read a model of up to three words.

    Raises:
        ArpaUnreadable: another format, an n-gram of unknown words, or of more than three.
    """
    with path.open(encoding="utf-8") as file:
        rows: dict[int, list[tuple[float, list[str], float]]] = {order: [] for order in range(1, _ORDERS + 1)}
        for line_number, order, row in _rows(file):
            if order not in rows:
                raise ArpaUnreadable(line_number, "the model has n-grams of more than three words")
            rows[order].append(row)
    words = tuple(row[1][0] for row in rows[1])
    number = {word: place for place, word in enumerate(words)}
    if SENTENCE_START not in number or SENTENCE_END not in number:
        raise ArpaUnreadable(1, "the model lacks the sentence marks <s> and </s>")
    try:
        numbers = {
            order: np.array([[number[word] for word in row[1]] for row in rows[order]], np.int64).reshape(
                -1, order
            )
            for order in (2, 3)
        }
    except KeyError as error:
        raise ArpaUnreadable(1, f"an n-gram holds {error}, which is no unigram") from error
    pairs = pair_keys(numbers[2][:, 0], numbers[2][:, 1])
    triples = triple_keys(numbers[3][:, 0], numbers[3][:, 1], numbers[3][:, 2])
    pair_order, triple_order = np.argsort(pairs), np.argsort(triples)

    def column(order: int, place: int) -> Chances:
        return _plain([row[place] for row in rows[order]])  # type: ignore[misc]

    return NGrams(
        words,
        column(1, 0),
        column(1, 2),
        pairs[pair_order],
        column(2, 0)[pair_order],
        column(2, 2)[pair_order],
        triples[triple_order],
        column(3, 0)[triple_order],
    )


def _rows(file: TextIO) -> Iterator[tuple[int, int, tuple[float, list[str], float]]]:
    """Yield line number, order, and log-probability, words and log-back-off of each n-gram."""
    order, ended = 0, False
    for line_number, line in enumerate(file, 1):
        text = line.strip()
        if text.startswith("\\"):
            ended = text == "\\end\\"
            if text.endswith("-grams:"):
                order = int(text[1:-7]) if text[1:-7].isdigit() else 0
        elif text and order:
            fields = text.split()
            try:
                backoff = float(fields[order + 1]) if len(fields) > order + 1 else 0.0
                row = (float(fields[0]), fields[1 : order + 1], backoff)
            except ValueError as error:
                raise ArpaUnreadable(line_number, f"not an n-gram: {text[:60]}") from error
            if len(fields) not in (order + 1, order + 2):
                raise ArpaUnreadable(line_number, f"not an n-gram of {order} words: {text[:60]}")
            yield line_number, order, row
    if not ended:
        raise ArpaUnreadable(0, "the file does not end with \\end\\")


def _logs(chances: Chances) -> list[float]:
    return np.where(chances > 0, np.log10(np.maximum(chances, 1e-98)), _NEVER).tolist()  # type: ignore[no-any-return]


def _plain(logs: list[float]) -> Chances:
    values = np.array(logs, np.float64)
    return np.where(values <= _NEVER, 0.0, 10.0**values)
