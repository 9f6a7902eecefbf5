"""The program of a decoding process; what it sends belongs to `decoder_worker`, which others can import."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection

from chalicelib.recognition.decoder_worker import serve, start


def main(argv: list[str]) -> int:
    """Serve the connection with the given file descriptor, for the parent with the given process id."""
    if not start(parent=int(argv[1])):
        return 1
    with Connection(int(argv[0])) as connection:
        serve(connection)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
