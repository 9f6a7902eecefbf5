"""What eight bits leave out of a network's weights, in four bits each, so that changes can be merged later.

A change of a few hundredths of a step in eight bits would be rounded away if it were added to weights that
lie on the steps. With the remainder beside it, a weight is known to a thirtieth of a step, for half a byte.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from chalicelib.engines.whisper.model.low_rank import Change, NotForThisBase
from chalicelib.engines.whisper.model.model_file import Arrays, ModelFile, in_eight_bits, is_linear

NOT_CHANGED = ("decoder/embeddings/weight", "decoder/projection/weight")
"""Half of a small network, and no change of a custom model's: its words stay what they are."""
_STEPS = 15
"""In the width of a step of eight bits: the remainders of -7…7 fill four bits, but for one value."""
_MOST = 7
_ONE_THREADS_PRODUCT = 200_000
"""Multiplications; OpenBLAS begins to share them at 262,144."""


def remainders(model: ModelFile, quantised: ModelFile) -> Arrays:
    """Return the remainders of the linear layers, shape (ceil(rows × columns / 2),), two in a byte.

    Those of the matrix's first half have the lower bits, those of the second half the upper ones.

    Args:
        model: the network in half or single precision.
        quantised: the same in eight bits.
    """
    found: Arrays = {}
    for name, array in model.arrays.items():
        if not is_linear(name) or name in NOT_CHANGED or not np.issubdtype(array.dtype, np.floating):
            continue
        steps = array.astype(np.float32) * quantised.arrays[f"{name}_scale"][:, None]
        over = np.rint((steps - quantised.arrays[name]) * _STEPS)
        four_bits = (np.clip(over, -_MOST, _MOST) + _MOST).astype(np.uint8).ravel()
        first, second = np.pad(four_bits, (0, len(four_bits) % 2)).reshape(2, -1)
        found[name] = first | second << 4
    return found


def restored(
    weights: NDArray[np.int8], scale: NDArray[np.float32], remainder: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Return weights of shape (rows, columns), each to a thirtieth of the step in eight bits.

    Args:
        weights: rows in eight bits.
        scale: the factor of each row, shape (rows,).
        remainder: as `remainders` gives it.
    """
    steps = weights.astype(np.int16).ravel()
    steps *= _STEPS
    half = len(remainder)
    steps[:half] += remainder & 15
    steps[half:] += (remainder >> 4)[: steps.size - half]
    steps -= _MOST
    found = steps.astype(np.float32).reshape(weights.shape)
    found *= (1 / (_STEPS * scale))[:, None]
    return found


def change_in_eight_bits(arrays: Arrays, beside: Arrays, changes: Sequence[tuple[float, Change]]) -> None:
    """Add shares of changes to a network in eight bits, in place; no row but theirs is touched.

    Args:
        arrays: of the network in eight bits, writable.
        beside: its remainders.
        changes: each with α, its share.

    Raises:
        NotForThisBase: a change does not fit its weights.
    """
    of_weights: dict[str, list[tuple[float, Change]]] = {}
    for alpha, change in changes:
        _check_fits(arrays, beside, change)
        of_weights.setdefault(change.weights, []).append((alpha, change))
    for name, own in of_weights.items():
        weights, scale = arrays[name], arrays[f"{name}_scale"]
        whole = restored(weights, scale, beside[name])
        touched = np.zeros(len(whole), bool)
        for alpha, change in own:
            rows = slice(change.first_row, change.first_row + len(change.up))
            _add(
                whole[rows], np.float32(alpha) * change.up.astype(np.float32), change.down.astype(np.float32)
            )
            touched[rows] = True
        if touched.all():
            weights[:], scale[:] = in_eight_bits(whole)
        else:
            weights[touched], scale[touched] = in_eight_bits(whole[touched])


def _add(rows: NDArray[np.float32], up: NDArray[np.float32], down: NDArray[np.float32]) -> None:
    """Add `up @ down` to rows, a few at a time: OpenBLAS gives so small a product to no other threads.

    They would wait for each other longer than they work, and on a busy machine a hundred times longer.
    """
    at_once = max(1, _ONE_THREADS_PRODUCT // max(1, down.size))
    for first in range(0, len(rows), at_once):
        rows[first : first + at_once] += up[first : first + at_once] @ down


def _check_fits(arrays: Arrays, beside: Arrays, change: Change) -> None:
    weights = arrays.get(change.weights)
    if weights is None or change.weights not in beside:
        raise NotForThisBase(f"this change does not fit the base: it has no {change.weights} to be changed")
    rows = weights[change.first_row : change.first_row + len(change.up)]
    wanted = (len(change.up), change.down.shape[1])
    if rows.shape != wanted:
        raise NotForThisBase(
            f"this change does not fit the base's {change.weights}: "
            f"{wanted} from row {change.first_row} on is not within {weights.shape}"
        )
