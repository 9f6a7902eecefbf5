"""The program of a decoding process; what it sends belongs to `decoder_worker`, which others can import."""

from __future__ import annotations

import socket
import sys
import threading
from multiprocessing.connection import Connection

from chalicelib.engines import loading
from chalicelib.recognition.decoding.decoder_worker import serve, start
from chalicelib.recognition.decoding.decoding_processes import SHARED
from chalicelib.recognition.decoding.loaded_models import Load, LoadedModels


def main(argv: list[str], load: Load = loading.load) -> int:
    """Serve the socket with the given file descriptor, for the parent with the given process id."""
    *flags, descriptor, parent = argv
    if not start(parent=int(parent)):
        return 1
    models = LoadedModels(load)
    if SHARED in flags:
        with socket.socket(fileno=int(descriptor)) as door:
            _serve_many(door, models)
    else:
        with Connection(int(descriptor)) as connection:
            serve(connection, models)
    return 0


def _serve_many(door: socket.socket, models: LoadedModels) -> None:
    """Give each connection that comes through the door a thread, until the door is closed."""
    while True:
        said, descriptors, _, _ = socket.recv_fds(door, 1, 1)
        if not said:
            return
        for descriptor in descriptors:
            threading.Thread(target=_serve_one, args=(descriptor, models), daemon=True).start()


def _serve_one(descriptor: int, models: LoadedModels) -> None:
    with Connection(descriptor) as connection:
        serve(connection, models)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
