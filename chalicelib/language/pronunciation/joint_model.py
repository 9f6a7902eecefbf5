"""Spelling to phones by a joint n-gram model (Bisani and Ney, 2008), in plain Python; no NumPy.

A word and its pronunciation are read as one sequence of graphones: one or two letters with up to two phones.
An n-gram model over graphones then gives the likeliest phones of a spelling by a beam search.
"""

from __future__ import annotations

import array
import json
import struct
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"ATTUNE-G2P-1"
NATS_PER_STEP = 1 / 16
"""Logarithms are kept as whole steps below zero, one byte each."""
START, END = 0, 1
"""Graphone numbers of the word's boundaries."""

_BEAM = 12
_MAX_LETTERS_OF_A_GRAPHONE = 2
_MAX_LETTERS = 64


@dataclass(frozen=True)
class Graphone:
    """Letters and the phones they stand for."""

    letters: str
    phones: tuple[str, ...]


@dataclass(frozen=True)
class Order:
    """The n-grams of one length, sorted by their history's place in the order below, then by graphone."""

    graphones: Sequence[int]
    costs: Sequence[int]
    """Negative log-probability in steps of NATS_PER_STEP."""
    backoffs: Sequence[int]
    """Negative log of the weight given to the shorter history, in the same steps."""
    children: Sequence[int]
    """How many n-grams of the next length continue this one."""


class JointModel:
    """A loaded model; give it spellings of the letters a-z and the apostrophe."""

    def __init__(self, graphones: Sequence[Graphone], orders: Sequence[Order]) -> None:
        self._graphones = graphones
        self._size = len(graphones)
        self._by_letters: dict[str, list[int]] = {}
        for number, graphone in enumerate(graphones):
            if graphone.letters:
                self._by_letters.setdefault(graphone.letters, []).append(number)
        self._link(orders)

    def _link(self, orders: Sequence[Order]) -> None:
        """Number the n-grams through, state 0 being the empty one, and tie each to its longest suffix."""
        self._costs: list[int] = [0]
        self._backoffs: list[int] = [0]
        self._suffixes: list[int] = [0]
        self._next: dict[int, int] = {}
        following, size, suffixes, costs, backoffs = (
            self._next,
            self._size,
            self._suffixes,
            self._costs,
            self._backoffs,
        )
        histories: Sequence[int] = [0]
        children: Sequence[int] = [len(orders[0].graphones)]
        for order in orders:
            place = 0
            first = len(suffixes)
            for history, count in zip(histories, children, strict=True):
                base, shorter = history * size, suffixes[history] * size
                for graphone in order.graphones[place : place + count]:
                    following[base + graphone] = len(suffixes)
                    suffixes.append(following[shorter + graphone] if history else 0)
                place += count
            costs.extend(order.costs)
            backoffs.extend(order.backoffs)
            histories, children = range(first, len(suffixes)), order.children

    def phones(self, spelling: str) -> tuple[str, ...]:
        """Return the likeliest phones; letters that the model does not know are passed over."""
        known = "".join(letter for letter in spelling[:_MAX_LETTERS] if letter in self._by_letters)
        beams: list[dict[int, tuple[int, tuple[int, ...]]]] = [{} for _ in range(len(known) + 1)]
        beams[0][self._next[START]] = (0, ())
        for place in range(len(known)):
            reached = sorted(beams[place].items(), key=lambda item: item[1][0])[:_BEAM]
            for width in range(1, min(_MAX_LETTERS_OF_A_GRAPHONE, len(known) - place) + 1):
                target = beams[place + width]
                for graphone in self._by_letters.get(known[place : place + width], ()):
                    for state, (cost, path) in reached:
                        to, step = self._step(state, graphone)
                        if to not in target or cost + step < target[to][0]:
                            target[to] = (cost + step, (*path, graphone))
        best = min(
            (cost + self._step(state, END)[1], path) for state, (cost, path) in beams[len(known)].items()
        )[1]
        return tuple(phone for graphone in best for phone in self._graphones[graphone].phones)

    def _step(self, state: int, graphone: int) -> tuple[int, int]:
        """Return the state after a graphone, and what it costs."""
        cost = 0
        while (found := self._next.get(state * self._size + graphone)) is None:
            cost += self._backoffs[state]
            state = self._suffixes[state]
        return found, cost + self._costs[found]


def written(graphones: Sequence[Graphone], orders: Sequence[Order]) -> bytes:
    """Return the model as a file's content."""
    head = json.dumps(
        {
            "graphones": [[graphone.letters, " ".join(graphone.phones)] for graphone in graphones],
            "orders": [len(order.graphones) for order in orders],
        },
        separators=(",", ":"),
    ).encode()
    body = b"".join(
        _bytes("H", order.graphones)
        + _bytes("B", order.costs)
        + _bytes("B", order.backoffs)
        + _bytes("H", order.children)
        for order in orders
    )
    return MAGIC + zlib.compress(struct.pack("<I", len(head)) + head + body, 9)


def read(path: Path) -> JointModel:
    """Read a model that `written` made.

    Raises:
        ValueError: it is no such file.
    """
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise ValueError(f"{path.name} is no pronunciation model")
    content = zlib.decompress(content[len(MAGIC) :])
    (length,) = struct.unpack_from("<I", content)
    head = json.loads(content[4 : 4 + length])
    graphones = [Graphone(letters, tuple(phones.split())) for letters, phones in head["graphones"]]
    position, orders = 4 + length, []
    for count in head["orders"]:
        parts = []
        for code in "HBBH":
            width = count * array.array(code).itemsize
            parts.append(_numbers(code, content[position : position + width]))
            position += width
        orders.append(Order(*parts))
    return JointModel(graphones, orders)


def _bytes(code: str, values: Sequence[int]) -> bytes:
    numbers = array.array(code, values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _numbers(code: str, content: bytes) -> Sequence[int]:
    numbers = array.array(code, content)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
