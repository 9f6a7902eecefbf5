"""Containers decoded as they come: FFmpeg's libraries pull, on a thread that takes turns with its feeder."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, Final

from chalicelib.audio import libav
from chalicelib.audio.errors import AudioError, Undecodable
from chalicelib.audio.stream import AudioFormat, Samples

_SLICE_BYTES = {True: 16 * 1024, False: 256 * 1024}
"""What is handed over at a time, live or not: samples of it may lie in memory."""


class _Abandoned(Exception):
    """Nobody wants the samples any more."""


_HUNGRY: Final = object()
_GO: Final = object()
_END: Final = object()
_CLOSE: Final = object()


class Container:
    """A container format, fed piece by piece. Used by one thread at a time; to be closed."""

    def __init__(self, essence: str, *, live: bool) -> None:
        """Take the format, and whether samples are wanted as soon as they are there."""
        self.format: AudioFormat | None = None
        """Known once samples come."""
        self.damaged_s: float | None = None
        """Where something could not be decoded first, in seconds; known at the end."""
        self._essence = essence
        self._live = live
        self._to_decoder: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._from_decoder: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._over = False
        self._closed = False

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels), as far as these bytes go.

        Raises:
            Undecodable: the bytes are not of that format, or damaged.
        """
        size = _SLICE_BYTES[self._live]
        for start in range(0, len(data), size):
            yield from self._turn(data[start : start + size])

    def finish(self) -> Iterator[Samples]:
        """Yield what is left.

        Raises:
            Undecodable: the bytes are not of that format, or cut off where they make no sense.
        """
        yield from self._turn(_END)

    def close(self) -> None:
        """End the thread; it looks up at its next turn."""
        if self._thread is not None:
            self._over = True
            self._to_decoder.put(_CLOSE)
            self._thread.join()

    def _turn(self, handed: Any) -> Iterator[Samples]:
        if self._over:
            return  # what follows the end of the container does not belong to it
        if self._thread is None:
            self._thread = threading.Thread(target=self._decode, name="attune-container", daemon=True)
            self._thread.start()
            self._from_decoder.get()  # it is hungry
        self._to_decoder.put(handed)
        while True:
            given = self._from_decoder.get()
            if given is _HUNGRY:
                return
            if given is _END:
                self._over = True
                return
            if isinstance(given, BaseException):
                self._over = True
                raise given
            yield given
            self._to_decoder.put(_GO)

    def _decode(self) -> None:
        source = _Source(self._exchange)
        try:
            source.wait()
            with libav.opened(source, self._essence, live=self._live) as stream:
                self.format = stream.format
                for samples in stream.blocks():
                    self._exchange(samples)
                self.damaged_s = stream.damaged_s
        except _Abandoned:
            return
        except AudioError as error:
            if not isinstance(error.__cause__, _Abandoned):
                self._from_decoder.put(error)
        except Exception as error:  # noqa: BLE001  whatever it is, the feeder waits for an answer
            self._from_decoder.put(Undecodable(self._essence, f"The audio cannot be read: {error}"))
        else:
            self._from_decoder.put(_END)

    def _exchange(self, given: Any) -> Any:
        if self._closed:
            raise _Abandoned  # there is nobody to take turns with
        self._from_decoder.put(given)
        handed = self._to_decoder.get()
        if handed is _CLOSE:
            self._closed = True
            raise _Abandoned
        return handed


class _Source:
    """What FFmpeg reads from: bytes that are not there yet are asked for."""

    def __init__(self, exchange: Any) -> None:
        self._exchange = exchange
        self._buffer = b""
        self._ended = False

    def wait(self) -> None:
        """Return when there is something to read."""
        try:
            handed = self._exchange(_HUNGRY)
        except _Abandoned:
            # FFmpeg reads on after an error; an end it takes for one.
            self._ended = True
            raise
        if handed is _END:
            self._ended = True
        else:
            self._buffer += handed

    def read(self, size: int) -> bytes:
        """Return at most so many bytes, none at the end."""
        while not self._buffer and not self._ended:
            self.wait()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data
