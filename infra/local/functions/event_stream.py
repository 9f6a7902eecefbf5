"""Messages of AWS's event streams (`application/vnd.amazon.eventstream`), as they go over the wire."""

from __future__ import annotations

import struct
import zlib

CONTENT_TYPE = "application/vnd.amazon.eventstream"
_STRING = 7
"""The type of a header's value."""
_PRELUDE_BYTES, _CHECKSUM_BYTES = 12, 4


def message(event: str, payload: bytes, content_type: str = "application/octet-stream") -> bytes:
    """Return one event of a stream: lengths, headers and payload, with a checksum after each half."""
    named = {":message-type": "event", ":event-type": event, ":content-type": content_type}
    headers = b"".join(
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", _STRING, len(value))
        + value.encode()
        for name, value in named.items()
    )
    total_bytes = _PRELUDE_BYTES + len(headers) + len(payload) + _CHECKSUM_BYTES
    lengths = struct.pack(">II", total_bytes, len(headers))
    whole = lengths + struct.pack(">I", zlib.crc32(lengths)) + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))
