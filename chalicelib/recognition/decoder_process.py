"""The program of a decoding process; what it sends belongs to `decoder_worker`, which others can import."""

from __future__ import annotations

import os
import sys
from multiprocessing.connection import Connection

from chalicelib.engines import loading
from chalicelib.recognition.decoder_worker import Load, serve, start

_BACKGROUND_NICENESS = 5
"""A process of ordinary priority gets three times as much of a core."""


def main(argv: list[str], load: Load = loading.load) -> int:
    """Serve the connection with the given file descriptor, for the parent with the given process id."""
    *flags, descriptor, parent = argv
    if not start(parent=int(parent)):
        return 1
    if "--background" in flags:
        os.nice(_BACKGROUND_NICENESS)
    with Connection(int(descriptor)) as connection:
        serve(connection, load)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
