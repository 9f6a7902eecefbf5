"""MP4 and M4A: the index may stand behind the samples, so all of a file is kept before it is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

from chalicelib.audio import libav
from chalicelib.audio.errors import Undecodable
from chalicelib.audio.stream import AudioFormat, Samples

ESSENCE = "audio/mp4"
_MOST_BYTES = 1 << 30
"""As much as a recognition job may have; a stream that never ends must not fill the disk."""


class Mp4:
    """An MP4 file, fed piece by piece into an unnamed file; samples come at its end. To be closed."""

    def __init__(self) -> None:
        self.format: AudioFormat | None = None
        """Known once samples come."""
        self.damaged_s: float | None = None
        """Where something could not be decoded first, in seconds; known at the end."""
        self._file: IO[bytes] | None = None

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Keep the bytes; there are no samples yet.

        Raises:
            Undecodable: there are more than a file may have.
        """
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        if self._file.tell() + len(data) > _MOST_BYTES:
            raise Undecodable(
                ESSENCE, "The file has more than 1 GB. Convert the audio, for instance to FLAC, or split it."
            )
        self._file.write(data)
        return iter(())

    def finish(self) -> Iterator[Samples]:
        """Yield samples of shape (n, channels), n > 0.

        Raises:
            Undecodable: the file is damaged, or no MP4.
        """
        if self._file is None:
            raise libav.undecodable(ESSENCE)
        self._file.seek(0)
        with libav.opened(self._file, ESSENCE, live=False) as stream:
            self.format = stream.format
            yield from stream.blocks()
            self.damaged_s = stream.damaged_s

    def close(self) -> None:
        """Free the file."""
        if self._file is not None:
            self._file.close()
