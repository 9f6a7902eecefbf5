"""Why a base cannot be staged."""

from __future__ import annotations


class NotStaged(Exception):
    """Nothing was changed; the message says why, and what can be done."""
