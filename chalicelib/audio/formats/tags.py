"""ID3 tags before audio: they are left out as they come, however long and however many they are."""

from __future__ import annotations

_MAGIC = b"ID3"
HEADER_BYTES = 10
_FOOTER_FLAG = 0x10


def length_bytes(head: bytes) -> int:
    """Return how long the tag is that begins here; 0: there is none, or less than its header is here."""
    if len(head) < HEADER_BYTES or head[:3] != _MAGIC or max(head[6:10]) > 0x7F:
        return 0
    # Seven bits in each byte; a footer repeats the header.
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return HEADER_BYTES + size + (HEADER_BYTES if head[5] & _FOOTER_FLAG else 0)


class Untagged:
    """Leaves out the tags at the beginning of what it is fed."""

    def __init__(self) -> None:
        self.found = False
        """There was a tag."""
        self._skip_bytes = 0
        self._head = b""
        self._passed = False

    def feed(self, data: bytes, *, final: bool = False) -> bytes:
        """Return what is no tag; little may be held back until more has come."""
        if self._passed:
            return data
        self._head += data
        while True:
            skipped = min(self._skip_bytes, len(self._head))
            self._skip_bytes -= skipped
            self._head = self._head[skipped:]
            if self._skip_bytes and not final:
                return b""
            begins = self._head[: len(_MAGIC)] == _MAGIC[: len(self._head)]
            if begins and len(self._head) < HEADER_BYTES and not final:
                return b""
            length = length_bytes(self._head)
            if not length:
                self._passed = True
                rest, self._head = self._head, b""
                return rest
            self.found, self._skip_bytes = True, length
