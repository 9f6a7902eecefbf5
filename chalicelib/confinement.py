"""Removes from a process what it does not need, for the case that a stranger's bytes take it over."""

from __future__ import annotations

import ctypes
import os
import resource
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""Landlock's system calls, the same on all machines."""
_ASK_VERSION = 1
_FILES, _FILES_OF_VERSION = (1 << 13) - 1, {2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
"""What can be done with files, and what later versions added."""
_BIND_AND_CONNECT, _NETWORK_VERSION = 0b11, 4
_SOCKETS_AND_SIGNALS, _SCOPES_VERSION = 0b11, 6
"""To processes that are not shut in like this one."""


ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Variables by which libraries start no threads of their own; they read them when they are loaded."""


def variables_of_children() -> dict[str, str]:
    """Return what every process needs that computes for this one: one thread, and the modules of here."""
    modules = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**ONE_THREAD, "PYTHONPATH": modules}


@dataclass(frozen=True)
class Bounds:
    """What a process may use that is shut in."""

    memory_bytes: int = 1 << 30
    """Of address space, beyond what it has already."""
    cpu_s: int = 900


def confine() -> None:
    """Remove core dumps and, where possible, the network. For a process that has one thread yet.

    What the kernel refuses is gone without. Containers and Lambda mostly refuse; then the network is theirs
    to close.
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


def shut_in(bounds: Bounds) -> None:
    """Leave this process its descriptors, and so much memory and processor time, for good.

    It can open no file and no socket, start no other process, and write to no file. Beyond `cpu_s` it is
    ended by SIGXCPU. Whatever it needs has to be imported before.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.cpu_s, bounds.cpu_s + 10))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform != "linux":
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory_bytes = pages * resource.getpagesize() + bounds.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    _deny_by_landlock()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def _deny_by_landlock() -> None:
    """Deny all files, all TCP, and signals to others, as far as the kernel's version knows how to."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < 1:
        return
    rules = struct.pack(
        "QQQ",
        _FILES | sum(bit for since, bit in _FILES_OF_VERSION.items() if version >= since),
        _BIND_AND_CONNECT if version >= _NETWORK_VERSION else 0,
        _SOCKETS_AND_SIGNALS if version >= _SCOPES_VERSION else 0,
    )
    known = 24 if version >= _SCOPES_VERSION else 16 if version >= _NETWORK_VERSION else 8
    ruleset = libc.syscall(_CREATE_RULESET, rules, ctypes.c_size_t(known), 0)
    if ruleset < 0:
        return
    with suppress(OSError):
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.syscall(_RESTRICT_SELF, ruleset, 0)
        os.close(ruleset)
