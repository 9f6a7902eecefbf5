"""`python -m infra.local.processes.tether PARENT COMMAND…`: dies with its parent; at low priority."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NICENESS = 5
"""Requests to the service come before its training."""


def main() -> None:
    """Become the command; the bond outlasts exec."""
    parent, *command = sys.argv[1:]
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        sys.exit("the parent has ended")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    os.execv(command[0], command)  # noqa: S606  the command is the service's own


if __name__ == "__main__":
    main()
