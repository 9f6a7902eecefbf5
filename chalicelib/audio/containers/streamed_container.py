"""Containers decoded as they come, by a process of their own that takes turns with its feeder."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chalicelib.audio.containers import container_messages, container_processes
from chalicelib.audio.containers.container_messages import (
    SILENT_FRAMES,
    Broken,
    Kind,
    Opening,
    packed,
    unpacked,
)
from chalicelib.audio.containers.container_processes import Child, ContainerProcesses, ReadingInterrupted
from chalicelib.audio.errors import Mixed, Undecodable
from chalicelib.audio.silence import digital_silence
from chalicelib.audio.stream import AudioFormat, Samples, check_rate

_SLICE_BYTES = {True: 16 * 1024, False: 256 * 1024}
"""What is handed over at a time, live or not: samples of it may lie in memory."""
_MOST_SILENT_FRAMES = 1 << 22
_MOST_CHANNELS = 1 << 16
_ANSWERS = frozenset({Kind.HUNGRY, Kind.FORMAT, Kind.SAMPLES, Kind.SILENCE, Kind.OVER, Kind.FAILED})


class Container:
    """A container format, fed piece by piece. Used by one thread at a time; to be closed."""

    def __init__(
        self,
        essence: str,
        *,
        live: bool,
        file: int | None = None,
        processes: ContainerProcesses | None = None,
    ) -> None:
        """Take the format, and whether samples are wanted as soon as they are there.

        Args:
            essence: the format.
            live: samples are wanted as soon as they are there.
            file: the descriptor of the whole recording, of which nothing is fed then.
            processes: where it is read; the process that all share unless given.
        """
        self.format: AudioFormat | None = None
        """Known once samples come."""
        self.damaged_s: float | None = None
        """Where something could not be decoded first, in seconds; known at the end."""
        self._essence = essence
        self._live = live
        self._file = file
        self._processes = processes or container_processes.shared
        self._child: Child | None = None
        self._over = False

    def feed(self, data: bytes) -> Iterator[Samples]:
        """Yield samples of shape (n, channels), as far as these bytes go.

        Raises:
            Undecodable: the bytes are not of that format, damaged, or take more memory or time than they may.
            container_processes.ReadingInterrupted: the process was ended from outside.
            OSError: none can be started.
        """
        size = _SLICE_BYTES[self._live]
        for start in range(0, len(data), size):
            yield from self._turn(Kind.DATA, data[start : start + size])

    def finish(self) -> Iterator[Samples]:
        """Yield what is left.

        Raises:
            Undecodable: the bytes are not of that format, or cut off where they make no sense.
            container_processes.ReadingInterrupted, OSError: as `feed`.
        """
        yield from self._turn(Kind.END)

    def close(self) -> None:
        """Let go of the process, which ends when it notices."""
        self._over = True
        if self._child is not None:
            self._child.close()
            self._child = None

    def _turn(self, kind: Kind, data: bytes = b"") -> Iterator[Samples]:
        if self._over:
            return  # what follows the end of the container does not belong to it
        child = self._child or self._started()
        try:
            container_messages.send(child.connection, kind, data)
            while (answer := self._answer(child))[0] is not Kind.HUNGRY:
                samples = self._taken(*answer)
                if samples is not None:
                    yield samples
                if answer[0] is Kind.OVER:
                    self.close()
                    return
        except (EOFError, ConnectionError) as error:
            raise self._gone(child) from error
        except (Broken, TimeoutError) as error:
            raise self._failed() from error
        except Undecodable:
            self.close()
            raise

    def _started(self) -> Child:
        """Start a child, and once more if it is ended before it has seen anything."""
        opening = packed(Opening(self._essence, self._live))
        for is_last in (False, True):
            self._child = child = self._processes.child(self._file)
            try:
                container_messages.send(child.connection, Kind.OPEN, opening)
                self._answer(child)  # it is hungry
            except (EOFError, ConnectionError) as error:
                gone = self._gone(child)
                if is_last or not isinstance(gone, ReadingInterrupted):
                    raise gone from error
                self._over = False
            except (Broken, TimeoutError) as error:
                raise self._failed() from error
            else:
                break
        return child

    def _answer(self, child: Child) -> tuple[Kind, bytearray]:
        kind, payload = container_messages.receive(child.connection)
        if kind not in _ANSWERS:
            raise Broken
        return kind, payload

    def _taken(self, kind: Kind, payload: bytearray) -> Samples | None:
        """Take note of an answer; returns samples if it has some."""
        match kind:
            case Kind.FORMAT if self.format is None:
                self.format = self._format(payload)
            case Kind.SAMPLES if self.format is not None and len(payload) % (4 * self.format.channels) == 0:
                return np.frombuffer(payload, np.float32).reshape(-1, self.format.channels)
            case Kind.SILENCE if self.format is not None and len(payload) == SILENT_FRAMES.size:
                (frames,) = SILENT_FRAMES.unpack(payload)
                if frames <= _MOST_SILENT_FRAMES:
                    return digital_silence(frames, self.format.channels)
                raise Broken
            case Kind.OVER:
                damaged_s = unpacked(payload).get("damaged_s")
                self.damaged_s = float(damaged_s) if isinstance(damaged_s, int | float) else None
            case Kind.FAILED:
                said = unpacked(payload)
                raise (Mixed if said.get("mixed") else Undecodable)(self._essence, str(said.get("reason")))
            case _:
                raise Broken
        return None

    def _format(self, payload: bytearray) -> AudioFormat:
        try:
            audio_format = AudioFormat(**unpacked(payload))
            check_rate(audio_format.rate_hz, self._essence)
            if not 1 <= audio_format.channels <= _MOST_CHANNELS:
                raise Broken
        except TypeError as error:
            raise Broken from error
        return audio_format

    def _gone(self, child: Child) -> Exception:
        ended_by_itself = child.ended_by_itself()
        self.close()
        if ended_by_itself:
            return self._failed()
        return ReadingInterrupted("the process that reads the audio was ended from outside")

    def _failed(self) -> Undecodable:
        self.close()
        return Undecodable(
            self._essence,
            f"The bytes cannot be read as {self._essence}: they take more memory or time than any recording "
            "needs, or the decoder fails on them. Export the audio anew, for instance as FLAC.",
        )
