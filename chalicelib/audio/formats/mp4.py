"""MP4 and M4A: the index may stand behind the samples, so all of a file is kept before it is read."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

from chalicelib.audio.containers.streamed_container import Container
from chalicelib.audio.errors import Undecodable, undecodable
from chalicelib.audio.stream import AudioFormat, Samples

ESSENCE = "audio/mp4"
_MOST_BYTES = 1 << 30
"""As much as a recognition job may have; a stream that never ends must not fill the disk."""


class Mp4:
    """An MP4 file, fed piece by piece into an unnamed file; samples come at its end. To be closed."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._container: Container | None = None

    @property
    def format(self) -> AudioFormat | None:
        """Known once samples come."""
        return None if self._container is None else self._container.format

    @property
    def damaged_s(self) -> float | None:
        """Where something could not be decoded first, in seconds; known at the end."""
        return None if self._container is None else self._container.damaged_s

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
            raise undecodable(ESSENCE)
        self._file.seek(0)
        self._container = Container(ESSENCE, live=False, file=self._file.fileno())
        yield from self._container.finish()

    def close(self) -> None:
        """Free the file."""
        if self._container is not None:
            self._container.close()
        if self._file is not None:
            self._file.close()
