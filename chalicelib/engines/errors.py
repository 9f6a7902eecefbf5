"""What can go wrong in an engine."""

from __future__ import annotations


class ModelUnreadable(Exception):
    """An adapted model is damaged, or belongs to another base version."""


class CustomizationUnsupported(Exception):
    """The engine cannot recognise with that kind of custom model; the message tells the user which."""
