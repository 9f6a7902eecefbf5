"""How the gateway's process and those of the API talk: messages of a head in JSON and a body of bytes."""

from __future__ import annotations

import json
import struct
from typing import Any

LENGTHS = struct.Struct(">II")
"""Bytes of the head and of the body, before both."""


def message(head: dict[str, Any], body: bytes = b"") -> bytes:
    """Return a message as it goes over the wire."""
    text = json.dumps(head).encode()
    return b"".join((LENGTHS.pack(len(text), len(body)), text, body))


class Messages:
    """What has arrived of messages, piece by piece."""

    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self._data += data

    def next(self) -> tuple[dict[str, Any], bytes] | None:
        """Return head and body of the next message; None: it has not arrived yet."""
        if len(self._data) < LENGTHS.size:
            return None
        head_bytes, body_bytes = LENGTHS.unpack_from(self._data)
        body_at = LENGTHS.size + head_bytes
        end = body_at + body_bytes
        if len(self._data) < end:
            return None
        head = json.loads(self._data[LENGTHS.size : body_at].decode())
        body = bytes(self._data[body_at:end])
        del self._data[:end]
        return head, body
