"""Request bodies that the front door put into the bucket, and its signed references to them."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass

from chalicelib.storage import internal_secret
from chalicelib.storage.layout import SPOOL_PREFIX

HEADER = "X-Attune-Body"
PENDING = "pending"
CONTINUED = "continued"
"""In place of a key: an open connection goes on. In place of bytes: for how many seconds it was heard."""
_HEX = re.compile(r"[0-9a-f]{64}")


class ForgedReference(ValueError):
    """The header was not written by a front door that knows the internal secret."""


@dataclass(frozen=True)
class Spooled:
    """A body that lies in the bucket, or (`key` is `pending`) one that the client has yet to send."""

    key: str
    size_bytes: int

    @property
    def continued(self) -> bool:
        """An open connection asks again; there is no body."""
        return self.key == CONTINUED

    @property
    def pending(self) -> bool:
        """Only the checks that need no body are wanted."""
        return self.key == PENDING


def new_key() -> str:
    """Return a fresh key for a body."""
    return f"{SPOOL_PREFIX}{uuid.uuid4()}"


def write_header(spooled: Spooled) -> str:
    """Return the value of `HEADER` for a spooled body."""
    signed = f"{spooled.key};{spooled.size_bytes}"
    return f"{signed};{internal_secret.sign(signed.encode()).hex()}"


def read_header(value: str) -> Spooled:
    """Read a value that `write_header` made.

    Raises:
        ForgedReference: the value is malformed or its signature is wrong.
    """
    signed, _, signature = value.rpartition(";")
    if not _HEX.fullmatch(signature) or not internal_secret.holds(signed.encode(), bytes.fromhex(signature)):
        raise ForgedReference("the reference to the request's body is not signed by this service")
    key, _, size = signed.rpartition(";")
    return Spooled(key=key, size_bytes=int(size))
