"""What zip and tar archives have in common: entries, limits, and what is wrong with an archive."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


class ArchiveError(Exception):
    """An archive that cannot be used; the text is for the user and names the way out."""


class Damaged(ArchiveError):
    """Bytes are missing or wrong."""

    def __init__(self, what: str = "The archive is damaged or was cut off") -> None:
        super().__init__(f"{what}. Pack and upload it again.")


@dataclass(frozen=True)
class ArchiveLimits:
    """How much is unpacked before an archive is refused."""

    members: int = 10_000
    """Their listing must fit into one answer of the API (6 MB at some 300 bytes each)."""
    unpacked_bytes: int = 4 << 30
    """37 hours of 16-bit audio at 16 kHz, out of an upload of at most 100 MB."""
    ratio: int = 100
    """Unpacked to packed. Speech gives 1.5, much digital silence 20, a bomb 1000 in a single layer."""
    ratio_from_bytes: int = 64 << 20
    """The ratio counts once so much has been unpacked: less harms nobody."""
    time_s: float = 600.0
    """Wall-clock time for the whole archive, whatever is done with its members included."""


@dataclass
class ArchiveBudget:
    """What is left of the limits of one archive."""

    limits: ArchiveLimits
    packed_bytes: int
    started_s: float
    entries: int = 0
    unpacked_bytes: int = 0

    def count_entry(self) -> None:
        """Count an entry of any kind.

        Raises:
            ArchiveError: there are too many, or time is up.
        """
        self.entries += 1
        self.check_entries(self.entries)
        self.check_time()

    def check_entries(self, entries: int) -> None:
        """Refuse an archive that announces this many entries.

        Raises:
            ArchiveError: there are too many.
        """
        if entries > self.limits.members:
            raise ArchiveError(
                f"The archive has more than {self.limits.members} entries. Split it into several archives."
            )

    def take(self, unpacked_bytes: int) -> None:
        """Count bytes that were unpacked.

        Raises:
            ArchiveError: there are too many, or time is up.
        """
        self.unpacked_bytes += unpacked_bytes
        if self.unpacked_bytes > self.limits.unpacked_bytes:
            raise ArchiveError(
                f"The archive unpacks to more than {self.limits.unpacked_bytes >> 20} MiB. "
                "Split it into several archives."
            )
        if (
            self.unpacked_bytes > self.limits.ratio_from_bytes
            and self.unpacked_bytes > self.limits.ratio * self.packed_bytes
        ):
            raise ArchiveError(
                f"The archive unpacks to more than {self.limits.ratio} times its size, as no speech does. "
                "Split off the silence, or upload the recordings as FLAC."
            )
        self.check_time()

    def check_time(self) -> None:
        """Stop what takes too long.

        Raises:
            ArchiveError: time is up.
        """
        if time.monotonic() - self.started_s > self.limits.time_s:
            raise ArchiveError(
                f"The archive could not be read within {self.limits.time_s:g} seconds. "
                "Split it into several archives."
            )


@dataclass(frozen=True)
class ArchiveEntry:
    """One entry as the archive has it."""

    name: str
    read: Callable[[int], bytes]
    """Next bytes of the content, at most so many; empty at its end. Raises Damaged."""
    is_directory: bool = False
    problem: str | None = None
    """Why it cannot be unpacked."""
    can_go_on: bool = True
    """Whether the entries after this one can be read when this one is damaged."""


def nothing(_size: int) -> bytes:
    """Read an entry that has no content."""
    return b""
