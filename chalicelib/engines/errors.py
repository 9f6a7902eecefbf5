"""What can go wrong in an engine."""

from __future__ import annotations


class ModelUnreadable(Exception):
    """An adapted model is damaged, or belongs to another base version."""
