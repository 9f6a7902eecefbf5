"""Where a text sounds like a given word: phones of US English compared by how easily they are confused."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

_VOWELS = frozenset(
    ["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"]
)
_ALIKE = (
    (0.3, ("P B", "T D", "K G", "F V", "TH DH", "S Z", "SH ZH", "CH JH", "AA AO", "IH IY", "UH UW", "AH UH")),
    (0.3, ("AH IH", "AH EH", "EH IH", "EH AE", "AH AA", "AH AE", "ER R", "AH ER", "OW AO", "EY EH", "AY AA")),
    (0.5, ("M N", "N NG", "S SH", "Z ZH", "CH SH", "JH ZH", "T CH", "D JH", "TH F", "DH V", "TH S", "DH D")),
    (0.5, ("TH T", "W UW", "Y IY", "L R", "L W", "B V", "P F", "T K", "P T", "P K", "B D", "D G", "B G")),
)
_OTHER_VOWEL, _OTHER_PHONE, _LEFT_OUT = 0.6, 1.0, 0.8
_EASILY_LEFT_OUT = {
    "AH": 0.5,
    "IH": 0.5,
    "HH": 0.4,
    "Y": 0.5,
    "W": 0.6,
    "T": 0.6,
    "D": 0.6,
    "ER": 0.7,
    "R": 0.6,
}
"""What speakers swallow and hearers add."""
_CLASSES = {
    phone: name
    for name, phones in {
        "v": " ".join(_VOWELS),
        "p": "P B F V",
        "t": "T D TH DH",
        "k": "K G",
        "s": "S Z SH ZH CH JH",
        "n": "M N NG",
        "l": "L R W",
    }.items()
    for phone in phones.split()
}
_MOST_COMPARED = 60
_LEAST_SHARED = 0.4
_FARTHEST = float("inf")
_HARDLY_WORSE = 0.15


def _costs() -> dict[tuple[str, str], float]:
    costs = {(one, other): _OTHER_VOWEL for one in _VOWELS for other in _VOWELS if one != other}
    for cost, pairs in _ALIKE:
        for one, other in map(str.split, pairs):
            costs[one, other] = costs[other, one] = cost
    return costs


_COSTS = _costs()


@dataclass(frozen=True)
class NearSoundingPlace:
    """Words of a text that sound like a given word."""

    word: str
    first: int
    """The first of the text's words, and the last."""
    last: int
    distance: float
    """Mean cost per phone of the given word: 0 when they sound the same, about 1 when nothing is alike."""


class SoundIndex:
    """Words by their sounds, so that those which a text may hold are found among many."""

    def __init__(self, pronunciations: Sequence[tuple[str, Sequence[str]]]) -> None:
        """Take words, each with its pronunciations: phones separated by spaces."""
        self._said = [
            (word, tuple(phones.split()))
            for word, ways in pronunciations
            for phones in ways
            if phones.split()
        ]
        self._holding: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._grams: list[int] = []
        for number, (_, phones) in enumerate(self._said):
            grams = _class_pairs(phones)
            self._grams.append(sum(grams.values()))
            for gram in grams:
                self._holding[gram].append(number)

    def places(self, words: Sequence[Sequence[str]], farthest: float) -> list[NearSoundingPlace]:
        """Return where a text sounds like one of the words, nearest first.

        Of each word it is the best place, and others with the same beginning that are hardly worse: whether
        one more word of the text belongs to it, sounds alone may not tell.

        Args:
            words: of the text, each as its phones; a word without any is passed over.
            farthest: largest distance that counts as near.
        """
        phones = [phone for word in words for phone in word]
        owner = [number for number, word in enumerate(words) for _ in word]
        nearest: dict[str, list[NearSoundingPlace]] = {}
        for number in self._likely(phones):
            word, said = self._said[number]
            found = [
                NearSoundingPlace(word, *place)
                for place in _best_places(said, phones, owner)
                if place[2] <= farthest
            ]
            if found and (word not in nearest or found[0].distance < nearest[word][0].distance):
                nearest[word] = found
        places = [place for ways in nearest.values() for place in ways]
        return sorted(places, key=lambda place: (place.distance, place.first, place.last, place.word))

    def _likely(self, phones: Sequence[str]) -> list[int]:
        """Return the pronunciations that have much of their rough shape in common with the text."""
        there = _class_pairs(phones) + Counter((_class_of(phone), "") for phone in phones)
        shared: Counter[int] = Counter()
        for gram, count in there.items():
            for number in self._holding.get(gram, ()):
                shared[number] += min(count, 2)
        shares = {number: min(1.0, count / self._grams[number]) for number, count in shared.items()}
        likely = [number for number, share in shares.items() if share >= _LEAST_SHARED]
        return sorted(likely, key=lambda number: (-shares[number], -self._grams[number], number))[
            :_MOST_COMPARED
        ]


def distance(said: Sequence[str], heard: Sequence[str]) -> float:
    """Return the mean cost per phone of `said` of taking one sequence of phones for the other."""
    previous = list(itertools.accumulate((_left_out(phone) for phone in heard), initial=0.0))
    for phone in said:
        row = [previous[0] + _left_out(phone)]
        for place, other in enumerate(heard):
            row.append(
                min(
                    previous[place] + _cost(phone, other),
                    previous[place + 1] + _left_out(phone),
                    row[place] + _left_out(other),
                )
            )
        previous = row
    return previous[-1] / max(1, len(said))


def _best_places(
    said: Sequence[str], phones: Sequence[str], owner: Sequence[int]
) -> list[tuple[int, int, float]]:
    """Return the whole words of a text that are nearest to a pronunciation: first, last, distance."""
    count = len(phones)
    begins = [place == 0 or owner[place] != owner[place - 1] for place in range(count)]
    costs = [0.0 if place < count and begins[place] else _FARTHEST for place in range(count + 1)]
    starts = list(range(count + 1))
    for phone in said:
        out = _left_out(phone)
        row, row_starts = [costs[0] + out], [starts[0]]
        for place, other in enumerate(phones):
            both = costs[place] + _cost(phone, other)
            missing, added = costs[place + 1] + out, row[place] + _left_out(other)
            best = min(both, missing, added)
            row.append(best)
            row_starts.append(
                starts[place] if best == both else starts[place + 1] if best == missing else row_starts[place]
            )
        costs, starts = row, row_starts
    ends = [
        place
        for place in range(1, count + 1)
        if (place == count or begins[place]) and costs[place] < _FARTHEST and starts[place] < place
    ]
    found = [(owner[starts[end]], owner[end - 1], costs[end] / len(said)) for end in ends]
    found.sort(key=lambda place: (place[2], place[1]))
    return [place for place in found if place[0] == found[0][0] and place[2] <= found[0][2] + _HARDLY_WORSE]


def _cost(one: str, other: str) -> float:
    return 0.0 if one == other else _COSTS.get((one, other), _OTHER_PHONE)


def _left_out(phone: str) -> float:
    return _EASILY_LEFT_OUT.get(phone, _LEFT_OUT)


def _class_pairs(phones: Sequence[str]) -> Counter[tuple[str, str]]:
    """Return the pairs of neighbours by rough classes; of a single phone, that phone's class."""
    classes = [_class_of(phone) for phone in phones]
    return Counter(itertools.pairwise(classes) if len(classes) > 1 else [(one, "") for one in classes])


def _class_of(phone: str) -> str:
    return _CLASSES.get(phone, "h")
