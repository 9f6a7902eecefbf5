"""The API in a process of its own, so that the gateway keeps its processor for requests and answers."""

from __future__ import annotations

import argparse
import errno
import gc
import logging
import os
import signal
import socket
import struct
import threading
from typing import Any

from chalicelib.gateway.backend import Backend, BackendRequest, UnknownRoute
from infra.local.api.api_wire import Messages, message
from infra.local.processes import child

_LOG = logging.getLogger(__name__)
_CHUNK_BYTES = 65_536
_PEER = struct.Struct("3i")
"""Process, user and group at the other end of a connection."""


def serve(listener: socket.socket, backend: Backend) -> None:
    """Answer whoever connects, each on a thread of its own, until the listener is shut down."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError as error:
            if error.errno == errno.EINVAL:
                return
            raise
        threading.Thread(target=_serve_one, args=(connection, backend), daemon=True).start()


def _serve_one(connection: socket.socket, backend: Backend) -> None:
    with connection:
        # Every user of the machine can connect to a socket without a file.
        peer = _PEER.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        if peer[1] != os.getuid():
            return
        messages = Messages()
        try:
            while data := connection.recv(_CHUNK_BYTES):
                messages.add(data)
                while (asked := messages.next()) is not None:
                    connection.sendall(_answer(connection, backend, *asked))
                    del asked  # an idle thread must not keep the last request's body alive
        except OSError as error:
            _LOG.warning("the gateway does not listen any more: %s", error)


def _answer(connection: socket.socket, backend: Backend, head: dict[str, Any], body: bytes) -> bytes:
    def early(content_type: str, data: bytes) -> None:
        connection.sendall(message({"early": content_type}, data))

    request = BackendRequest(
        method=head["method"],
        raw_path=head["raw_path"],
        query_string=head["query_string"],
        headers=tuple((name, value) for name, value in head["headers"]),
        body=body,
        source_ip=head["source_ip"],
        early=early if head["early"] else None,
    )
    try:
        response = backend(request)
    except UnknownRoute:
        return message({"unknown": True})
    except Exception:  # noqa: BLE001  like Lambda: the caller is told that it failed, the log why
        _LOG.exception("the API failed at %s %s", request.method, request.raw_path)
        return message({"failed": True})
    return message({"status": response.status, "headers": response.headers}, response.body)


def main() -> None:
    """Run as a child process of the service: the descriptor of a listening socket."""
    parser = argparse.ArgumentParser()
    parser.add_argument("descriptor", type=int)
    descriptor = parser.parse_args().descriptor
    child.begin("api")
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    import app
    from chalicelib.storage import connection
    from infra.local import table_client
    from infra.serving.chalice_backend import ChaliceBackend

    table_client.shorten(connection.shared().client, os.environ["AWS_ACCESS_KEY_ID"])
    backend = ChaliceBackend(app.app)
    gc.collect()
    gc.freeze()  # what was loaded stays: the collector need not go through it again and again
    serve(socket.socket(fileno=descriptor), backend)


if __name__ == "__main__":
    main()
