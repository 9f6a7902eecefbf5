"""Posteriors as the confidences of answers."""

from __future__ import annotations


def two_decimals(posterior: float) -> float:
    """Return a confidence in 0…1 with at most two decimals."""
    return round(min(max(posterior, 0.0), 1.0), 2)
