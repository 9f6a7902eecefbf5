"""Which senones are the states of a phone between its neighbours, from a binary `mdef`."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.sphinx.acoustics.model_files import ModelFileUnreadable

_INSIDE, _BEGIN, _END, _ALONE = range(4)
"""Places of a phone in its word, as the file numbers them."""
_ENTRY = np.dtype([("sequence", "<i4"), ("transitions", "<i4"), ("context", "u1", 4)])


@dataclass(frozen=True)
class Triphones:
    """The states of every phone in every context; a context that was never trained has the nearest one's."""

    owners: NDArray[np.int32]
    """The phone that each senone is a state of, shape (senones,)."""
    sequences: NDArray[np.int32]
    """Shape (sequences, states)."""
    nearest: NDArray[np.int32]
    """The sequence of a phone by its place in the word, itself, the one before and the one after."""

    def senones(self, phones: Sequence[int], before: int, after: int) -> NDArray[np.int32]:
        """Return the states of a word's phones one after the other, between two phones of its neighbours."""
        last = len(phones) - 1
        sequences = [
            self.nearest[
                _place(at, last),
                phone,
                phones[at - 1] if at else before,
                phones[at + 1] if at < last else after,
            ]
            for at, phone in enumerate(phones)
        ]
        return self.sequences[sequences].reshape(-1)


def _place(at: int, last: int) -> int:
    if last == 0:
        return _ALONE
    return _BEGIN if at == 0 else _END if at == last else _INSIDE


def read_triphones(path: Path) -> Triphones:
    """Return the triphones of a binary `mdef`.

    Raises:
        ModelFileUnreadable: another format.
    """
    content = path.read_bytes()
    try:
        (description_bytes,) = struct.unpack_from("<i", content, 8)
        position = 12 + description_bytes
        phones, entries, states, _, senones, _, sequences, _, tree, _ = struct.unpack_from(
            "<10i", content, position
        )
        names = position = position + 40
        for _ in range(phones):
            position = content.index(b"\0", position) + 1
        position += (names - position) % 4 + 8 * tree
        listed = np.frombuffer(content, _ENTRY, entries, position)
        numbers = np.frombuffer(content, "<u2", sequences * states, position + listed.nbytes + 4)
        by_sequence = numbers.reshape(sequences, states).astype(np.int32)
        owners = np.full(senones, -1, np.int32)
        alone, context = listed[:phones], listed[phones:]
        owners[by_sequence[alone["sequence"]]] = np.arange(phones)[:, None]
        place, phone, before, after = context["context"].T
        owners[by_sequence[context["sequence"]]] = phone[:, None]
        trained = np.full((4, phones, phones, phones), -1, np.int32)
        trained[place, phone, before, after] = context["sequence"]
    except (struct.error, ValueError, IndexError) as error:
        raise ModelFileUnreadable(f"{path.name} does not hold triphones: {error}") from error
    return Triphones(owners, by_sequence, _filled(trained, alone["sequence"]))


def _filled(trained: NDArray[np.int32], alone: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the sequences with those missing taken from another place in the word, or from any context."""
    nearest = trained.copy()
    for other in trained:
        nearest = np.where(nearest < 0, other, nearest)
    return np.where(nearest < 0, alone[:, None, None], nearest)
