"""Memory that a part of a job has freed goes back to the machine before the next part begins."""

from __future__ import annotations

import ctypes
import gc


def give_memory_back() -> None:
    """Free what nothing refers to, and what the C library of Linux keeps for later."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
