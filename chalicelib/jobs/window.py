"""Which pieces of what is worked on in pieces wait at once: only so many, so that others get their turn."""

from __future__ import annotations

from collections.abc import Sequence


def first(left: Sequence[int], at_once: int) -> Sequence[int]:
    """Return the pieces to announce of those that are left, in order, when none is announced."""
    return left[:at_once]


def following(left: Sequence[int], at_once: int) -> Sequence[int]:
    """Return the piece to announce, or none, when one was done just now; it is not among those left."""
    return left[at_once - 1 :][:1]
