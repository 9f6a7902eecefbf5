"""The body of an upload: in the request itself, or stored in the bucket by the front door, or yet to come."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from chalicelib.api.calls import Call
from chalicelib.api.errors import ApiError
from chalicelib.storage import failures, objects, spool

MOST_INLINE_BYTES = 4 * 1024 * 1024
"""What fits a Lambda event (6 MB) as base64, with room for the rest."""
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Body:
    """A body, wherever it is."""

    inline: bytes
    spooled: spool.Spooled | None

    @property
    def pending(self) -> bool:
        """Only the checks that need no body are wanted; the answer to success is 204."""
        return self.spooled is not None and self.spooled.pending

    @property
    def size_bytes(self) -> int:
        """Its length; what was announced, or 0, while it is pending."""
        return self.spooled.size_bytes if self.spooled else len(self.inline)

    def head(self) -> bytes:
        """Return its first bytes; none while it is pending."""
        if self.spooled is None:
            return self.inline[:_HEAD_BYTES]
        if self.spooled.pending:
            return b""
        with objects.open_stream(self.spooled.key) as stream:
            return stream.read(_HEAD_BYTES)

    def open(self) -> IO[bytes]:
        """Return all of it as a stream that can only be read forward; not while it is pending."""
        return io.BytesIO(self.inline) if self.spooled is None else objects.open_stream(self.spooled.key)

    def store(self, key: str) -> None:
        """Put it where it belongs."""
        if self.spooled is None:
            objects.put(key, self.inline)
        else:
            objects.copy(self.spooled.key, key)

    def discard(self) -> None:
        """Remove what the front door has stored, when it has been copied; a lifecycle rule would, later."""
        if self.spooled is not None and not self.spooled.pending:
            with suppress(*failures.FAILURES):
                objects.delete(self.spooled.key)


def read(call: Call, most_bytes: int) -> Body:
    """Return the body of a request.

    Raises:
        spool.ForgedReference: the reference was not made by a front door.
        ApiError: 413 when it is longer than `most_bytes`, or than what can come without a front door.
    """
    header = call.headers.get(spool.HEADER.lower())
    body = Body(b"" if header else call.body, spool.read_header(header) if header else None)
    if body.size_bytes > most_bytes:
        raise ApiError(
            413,
            f"The request's body has {body.size_bytes} bytes, but at most {most_bytes // 1024**2} MB "
            f"({most_bytes} bytes) are allowed.",
        )
    if len(body.inline) > MOST_INLINE_BYTES:
        raise ApiError(
            413,
            f"Without the front door, a request's body can have at most {MOST_INLINE_BYTES // 1024**2} MB. "
            "Send compressed audio (for instance FLAC or Ogg), several smaller files, "
            "or use the URL of the front door.",
        )
    return body
