"""Removes from a decoding process what it does not need: core dumps and, where possible, the network."""

from __future__ import annotations

import ctypes
import resource
import sys

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_DUMPABLE = 4


def confine() -> None:
    """Confine this process, which must have one thread yet. What the kernel refuses is gone without.

    Containers and Lambda mostly refuse; then the network is theirs to close.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what it holds is somebody's speech
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    # With a name space of its own for users, which allows one for the network to everybody; or without.
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWNET)
    # A process whose rights have changed cannot be looked at even by its own user, as its parent has to.
    libc.prctl(_PR_SET_DUMPABLE, 1)
