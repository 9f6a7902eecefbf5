"""What goes between whoever feeds a recording and the process that reads it.

Plain bytes: a process that reads what strangers send is not trusted to send objects.
"""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from chalicelib.audio.stream import AudioFormat

STATUS = struct.Struct("=i")
"""How a child has ended, as `subprocess` gives it: minus the signal, or its status."""
SILENT_FRAMES = struct.Struct(">I")
"""How many frames are silent."""
MOST_DESCRIPTORS = 3
"""Of a child: a connection, where to write how it ended and, if need be, a file."""
_HEADER = struct.Struct(">cI")
_MOST_BYTES = 1 << 26
"""In one message: sixteen million samples."""


class Kind(Enum):
    """What a message says."""

    OPEN = b"o"
    """To the process, in JSON: what the recording is."""
    DATA = b"d"
    END = b"e"
    """There is no more data."""
    HUNGRY = b"h"
    """From the process: it has given what it could, and wants more."""
    FORMAT = b"f"
    """In JSON; before the first samples."""
    SAMPLES = b"s"
    """float32, frame by frame."""
    SILENCE = b"z"
    """So many frames are zero: SILENT_FRAMES."""
    OVER = b"c"
    """In JSON: where something could not be decoded first."""
    FAILED = b"x"
    """In JSON: why the recording cannot be read."""


class Broken(Exception):
    """What came makes no sense."""


@dataclass(frozen=True)
class Opening:
    """What a process has to know of a recording."""

    essence: str
    live: bool


def send(connection: socket.socket, kind: Kind, payload: bytes | memoryview = b"") -> None:
    """Send a message.

    Raises:
        OSError: the other end is gone.
    """
    header = _HEADER.pack(kind.value, len(payload))
    if len(payload) <= 1 << 12:
        connection.sendall(header + payload)
    else:
        connection.sendall(header)
        connection.sendall(payload)


def receive(connection: socket.socket) -> tuple[Kind, bytearray]:
    """Return the next message.

    Raises:
        EOFError: the other end is gone.
        Broken: it is none.
        OSError: as sockets do.
    """
    value, length = _HEADER.unpack(_received(connection, _HEADER.size))
    if length > _MOST_BYTES:
        raise Broken
    try:
        kind = Kind(value)
    except ValueError as error:
        raise Broken from error
    return kind, _received(connection, length)


def packed(document: Opening | AudioFormat | dict[str, Any]) -> bytes:
    """Return a document as a payload."""
    return json.dumps(document if isinstance(document, dict) else asdict(document)).encode()


def unpacked(payload: bytes | bytearray) -> dict[str, Any]:
    """Return the document that a payload is.

    Raises:
        Broken: it is none.
    """
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Broken from error
    if not isinstance(document, dict):
        raise Broken
    return document


def _received(connection: socket.socket, length: int) -> bytearray:
    content = bytearray(length)
    view = memoryview(content)
    while view:
        count = connection.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return content
