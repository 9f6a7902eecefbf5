"""Free ports of this machine for what a test starts: still free when that binds them, and when it binds them again."""

from __future__ import annotations

import itertools
import os
import socket
from pathlib import Path

_LOWEST = 10_000
"""Services that people run by hand are mostly below."""
_FEW = 2_000


def free_port() -> int:
    """Return a port that nothing listens on and that nobody is given who asks for any; never the same twice."""
    for port in _untried:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is left")


def _mine() -> list[int]:
    """Return the ports of this worker of pytest, those first which another run hardly begins with."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = max(int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), worker + 1)
    part = range(_LOWEST, _above())[worker::workers]
    first = os.getpid() * 101 % len(part)
    return [*part[first:], *part[:first]]


def _above() -> int:
    """Return where the ports begin that the system gives to whoever binds port 0 or connects."""
    given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return given if given >= _LOWEST + _FEW else 32_768


_untried = itertools.chain(_mine())
