"""Fits the pronunciation model to a pronouncing dictionary.

`python -m fitting.sphinx.fit_pronunciations DICTIONARY OUTPUT [--held-out SHARE]`. The one in the
package was fitted to the dictionary that pocketsphinx brings along (CMU's, BSD). With a share held out it
prints how often phones and words of the held-out stems come out wrong, and writes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.language.edit_distance import edit_distance
from chalicelib.language.pronunciation.joint_model import NATS_PER_STEP, Graphone, JointModel, Order, written

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
SHAPES = ((1, 0), (1, 1), (1, 2), (2, 1))
"""How many letters and phones a graphone may hold."""
ALIGNMENT_ROUNDS = 8
CHANCE_PAIRINGS = 0.5
"""Graphones expected less often die out."""
LONGEST = 7
FEWEST = {4: 2, 5: 2, 6: 2, 7: 2}
"""n-grams of these lengths that were seen less often are left out."""

Entry = tuple[str, tuple[str, ...]]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def read_entries(path: Path) -> list[Entry]:
    """Return spellings of plain letters with their pronunciations; a word may come more than once."""
    entries = []
    for line in path.read_text("utf-8").splitlines():
        word, *phones = line.split()
        spelling = re.sub(r"\(\d+\)$", "", word)
        if phones and spelling and all(letter in LETTERS for letter in spelling):
            entries.append((spelling, tuple(phones)))
    return entries


@dataclass
class _Group:
    places: list[int]
    letters: Integers
    """Shape (entries, letters), numbered from 1."""
    phones: Integers
    arcs: list[tuple[int, int, tuple[int, int], Integers]]
    """First letter, first phone, shape, and the number of each entry's graphone there."""


def _arcs(letters: int, phones: int) -> Iterator[tuple[int, int, tuple[int, int]]]:
    for i in range(letters):
        for j in range(phones + 1):
            for shape in SHAPES:
                if i + shape[0] <= letters and j + shape[1] <= phones:
                    yield i, j, shape


class Aligner:
    """Splits entries into graphones by expectation maximisation; entries of equal lengths go together."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._phones = sorted({phone for _, phones in entries for phone in phones})
        number = {phone: place + 1 for place, phone in enumerate(self._phones)}
        letter = {character: place + 1 for place, character in enumerate(LETTERS)}
        places: dict[tuple[int, int], list[int]] = defaultdict(list)
        for place, (spelling, phones) in enumerate(entries):
            places[len(spelling), len(phones)].append(place)
        self._groups: list[_Group] = []
        for group in places.values():
            letters = np.array([[letter[one] for one in entries[place][0]] for place in group])
            phones_said = np.array([[number[one] for one in entries[place][1]] for place in group])
            arcs = [
                (i, j, shape, self._graphones(letters, phones_said, i, j, shape))
                for i, j, shape in _arcs(letters.shape[1], phones_said.shape[1])
            ]
            self._groups.append(_Group(group, letters, phones_said, arcs))
        every = np.unique(np.concatenate([arc[3] for group in self._groups for arc in group.arcs]))
        for one in self._groups:
            one.arcs = [(i, j, shape, np.searchsorted(every, numbers)) for i, j, shape, numbers in one.arcs]
        self._weights: Floats = np.full(len(every), 1.0)

    def _graphones(
        self, letters: Integers, phones: Integers, i: int, j: int, shape: tuple[int, int]
    ) -> Integers:
        """Return the numbers of the graphones that begin at letter i and phone j of each entry."""
        letter_kinds, phone_kinds = len(LETTERS) + 1, len(self._phones) + 1
        left = letters[:, i] * letter_kinds + (letters[:, i + 1] if shape[0] == 2 else 0)
        one = phones[:, j] if shape[1] >= 1 else 0
        two = phones[:, j + 1] if shape[1] == 2 else 0
        result: Integers = left * phone_kinds**2 + one * phone_kinds + two
        return result

    def improve(self) -> None:
        """Estimate the graphones' probabilities anew."""
        counts = np.zeros(len(self._weights))
        for group in self._groups:
            m, n = group.letters.shape[1], group.phones.shape[1]
            ahead = np.zeros((m + 1, n + 1, len(group.letters)))
            behind = np.zeros_like(ahead)
            ahead[0, 0] = behind[m, n] = 1
            for i, j, (a, b), numbers in group.arcs:
                ahead[i + a, j + b] += ahead[i, j] * self._weights[numbers]
            for i, j, (a, b), numbers in reversed(group.arcs):
                behind[i, j] += behind[i + a, j + b] * self._weights[numbers]
            total = ahead[m, n]
            scale = np.divide(1, total, out=np.zeros_like(total), where=total > 0)
            shares = [
                ahead[i, j] * self._weights[numbers] * behind[i + a, j + b] * scale
                for i, j, (a, b), numbers in group.arcs
            ]
            of_all = np.concatenate([arc[3] for arc in group.arcs])
            seen, place = np.unique(of_all, return_inverse=True)
            counts[seen] += np.bincount(place, np.concatenate(shares), len(seen))
        counts[counts < CHANCE_PAIRINGS] = 0
        self._weights = counts / counts.sum()

    def best(self) -> Iterator[tuple[int, list[Graphone]]]:
        """Yield each entry's place with its likeliest graphones, save those that cannot be split."""
        with np.errstate(divide="ignore"):
            logs = np.log(self._weights)
        for group in self._groups:
            m, n = group.letters.shape[1], group.phones.shape[1]
            score = np.full((m + 1, n + 1, len(group.letters)), -np.inf)
            back = np.zeros((m + 1, n + 1, len(group.letters)), np.int8)
            score[0, 0] = 0
            for i, j, (a, b), numbers in group.arcs:
                new = score[i, j] + logs[numbers] * max(a, b)
                better = new > score[i + a, j + b]
                score[i + a, j + b][better] = new[better]
                back[i + a, j + b][better] = SHAPES.index((a, b))
            for row, place in enumerate(group.places):
                if np.isfinite(score[m, n, row]):
                    yield place, self._path(group.letters[row], group.phones[row], back[:, :, row])

    def _path(self, letters: Integers, phones: Integers, back: NDArray[np.int8]) -> list[Graphone]:
        i, j, path = len(letters), len(phones), []
        while i or j:
            a, b = SHAPES[back[i, j]]
            spelt = "".join(LETTERS[number - 1] for number in letters[i - a : i])
            path.append(Graphone(spelt, tuple(self._phones[number - 1] for number in phones[j - b : j])))
            i, j = i - a, j - b
        return path[::-1]


Gram = tuple[int, ...]


def estimate(sequences: Iterable[Sequence[int]]) -> list[dict[Gram, tuple[float, float]]]:
    """Return for each length the n-grams with probability and back-off weight (modified Kneser-Ney)."""
    counts: list[Counter[Gram]] = [Counter() for _ in range(LONGEST + 1)]
    for sequence in sequences:
        padded = (0, *sequence, 1)
        for end in range(1, len(padded)):
            for length in range(1, LONGEST + 1):
                if length <= end + 1:
                    counts[length][padded[end + 1 - length : end + 1]] += 1
    for length in range(LONGEST - 1, 0, -1):  # lower orders count the different graphones before
        varied: Counter[Gram] = Counter()
        for gram in counts[length + 1]:
            varied[gram[1:]] += 1
        counts[length] = Counter(
            {gram: count if gram[0] == 0 else varied[gram] for gram, count in counts[length].items()}
        )
    kept = _kept(counts)
    shorter: dict[Gram, float] = {}
    model: list[dict[Gram, tuple[float, float]]] = []
    for length in range(1, LONGEST + 1):
        probabilities, backoffs = _discounted(counts[length], kept[length], shorter)
        if length > 1:
            for gram, (chance, _) in model[-1].items():
                model[-1][gram] = (chance, backoffs.get(gram, 1.0))
        model.append({gram: (chance, 1.0) for gram, chance in probabilities.items()})
        shorter = probabilities
        if length == 1:
            model[0][(0,)] = (1e-7, 1.0)
    return model


def _kept(counts: Sequence[Counter[Gram]]) -> list[set[Gram]]:
    kept: list[set[Gram]] = [set() for _ in counts]
    for length in range(LONGEST, 0, -1):
        kept[length] |= {gram for gram, count in counts[length].items() if count >= FEWEST.get(length, 1)}
        if length > 1:
            kept[length - 1] |= {gram[1:] for gram in kept[length]} | {gram[:-1] for gram in kept[length]}
    return kept


def _discounted(
    counts: Counter[Gram], kept: set[Gram], shorter: Mapping[Gram, float]
) -> tuple[dict[Gram, float], dict[Gram, float]]:
    of = Counter(count for count in counts.values() if count <= 4)
    least = of[1] / (of[1] + 2 * of[2]) if of[1] and of[2] else 0.5
    discounts = [
        0.0,
        *(
            min(k, max(0.0, k - (k + 1) * least * of[k + 1] / of[k])) if of[k] else least * k
            for k in (1, 2, 3)
        ),
    ]
    totals: Counter[Gram] = Counter()
    given: dict[Gram, float] = defaultdict(float)
    mass: dict[Gram, float] = {}
    for gram, count in counts.items():
        totals[gram[:-1]] += count
        if gram in kept:
            mass[gram] = count - discounts[min(count, 3)]
            given[gram[:-1]] += mass[gram]
    backoffs = {history: 1 - given[history] / total for history, total in totals.items()}
    uniform = 1 / max(1, len(counts))
    probabilities = {}
    for gram, share in mass.items():
        history = gram[:-1]
        lower = shorter[gram[1:]] if len(gram) > 1 else uniform
        probabilities[gram] = share / totals[history] + backoffs[history] * lower
    return probabilities, backoffs


def _steps(chance: float) -> int:
    return min(255, round(-math.log(max(chance, 1e-12)) / NATS_PER_STEP))


def packed(model: Sequence[Mapping[Gram, tuple[float, float]]]) -> list[Order]:
    """Return the n-grams as the file keeps them."""
    orders = []
    histories: list[Gram] = [()]
    sorted_orders: list[list[Gram]] = []
    for grams in model:
        place = {history: number for number, history in enumerate(histories)}
        histories = sorted(
            (gram for gram in grams if gram[:-1] in place), key=lambda gram: (place[gram[:-1]], gram[-1])
        )
        sorted_orders.append(histories)
    for number, (grams, ordered) in enumerate(zip(model, sorted_orders, strict=True)):
        longer = (
            Counter(gram[:-1] for gram in sorted_orders[number + 1])
            if number + 1 < len(model)
            else Counter[Gram]()
        )
        orders.append(
            Order(
                [gram[-1] for gram in ordered],
                [_steps(grams[gram][0]) for gram in ordered],
                [_steps(grams[gram][1]) for gram in ordered],
                [longer[gram] for gram in ordered],
            )
        )
    return orders


def fit(entries: Sequence[Entry]) -> tuple[list[Graphone], list[Order]]:
    """Return the graphones and n-grams of a model of these entries."""
    aligner = Aligner(entries)
    for _ in range(ALIGNMENT_ROUNDS):
        aligner.improve()
    split = [path for _, path in aligner.best()]
    inventory = sorted({one for path in split for one in path}, key=lambda one: (one.letters, one.phones))
    graphones = [Graphone("", ()), Graphone("", ()), *inventory]
    number = {graphone: place for place, graphone in enumerate(graphones)}
    model = estimate([number[one] for one in path] for path in split)
    return graphones, packed(model)


def is_held_out(spelling: str, share: float) -> bool:
    """Whether a word belongs to the held-out share; all forms with one stem of five letters go together."""
    stem = spelling.replace("'", "")[:5]
    return int.from_bytes(hashlib.sha256(stem.encode()).digest()[:4], "big") / 2**32 < share


def measured(model: JointModel, entries: Iterable[Entry]) -> tuple[float, float, int]:
    """Return phone error rate, word error rate and the number of words; the nearest listed reading counts."""
    readings: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for spelling, phones in entries:
        readings[spelling].append(phones)
    errors = phones_said = wrong = 0
    for spelling, listed in readings.items():
        guess = model.phones(spelling)
        distance, length = min((edit_distance(one, guess), len(one)) for one in listed)
        errors, phones_said, wrong = errors + distance, phones_said + length, wrong + (distance > 0)
    return errors / max(1, phones_said), wrong / max(1, len(readings)), len(readings)


def main(argv: Sequence[str]) -> int:
    """Fit to a dictionary and write the model, or measure with a share held out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dictionary", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--held-out", type=float, default=0.0, metavar="SHARE")
    arguments = parser.parse_args(argv)
    entries = read_entries(arguments.dictionary)
    seen = [entry for entry in entries if not is_held_out(entry[0], arguments.held_out)]
    graphones, orders = fit(seen)
    content = written(graphones, orders)
    print(
        f"{len(seen)} entries, {len(graphones)} graphones, {[len(one.graphones) for one in orders]} n-grams"
    )
    print(f"{len(content) / 1e6:.2f} MB")
    if arguments.held_out:
        unseen = [entry for entry in entries if is_held_out(entry[0], arguments.held_out)]
        phone_errors, word_errors, words = measured(JointModel(graphones, orders), unseen)
        print(f"{words} words held out: {phone_errors:.2%} of phones, {word_errors:.2%} of words wrong")
    else:
        arguments.output.write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
