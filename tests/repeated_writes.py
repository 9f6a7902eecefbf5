"""Writes that are made twice, as boto3 does when the connection breaks before the first answer."""

from __future__ import annotations

from chalicelib.storage.conditional import Change, write


def write_twice(*changes: Change) -> None:
    """Stand for `write` where its first answer is lost."""
    write(*changes)
    write(*changes)
