"""Waits for the service to end, however it ends, and then kills every process that it has left behind."""

from __future__ import annotations

import argparse
import os
import signal

from infra.local.processes import child


def main() -> None:
    """Run as a child process of the service: the reading end of a pipe that only the service writes to."""
    parser = argparse.ArgumentParser()
    parser.add_argument("descriptor", type=int)
    descriptor = parser.parse_args().descriptor
    # The service's clean end kills the guard like every other process; nobody else's signal shall.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.read(descriptor, 1)
    child.sweep(os.environ[child.MARK])


if __name__ == "__main__":
    main()
