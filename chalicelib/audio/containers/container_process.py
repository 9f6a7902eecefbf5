"""The process that reads strangers' recordings: it has everything loaded, and forks a child for each of them.

It knows no secret, and reads none of their bytes itself. Each child is shut in before it sees the first one.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import NoReturn

import numpy as np

from chalicelib.audio.containers import container_messages, g729, libav
from chalicelib.audio.containers.container_messages import (
    MOST_DESCRIPTORS,
    SILENT_FRAMES,
    STATUS,
    Kind,
    Opening,
    packed,
    unpacked,
)
from chalicelib.audio.errors import AudioError, Mixed, Undecodable
from chalicelib.audio.stream import AudioFormat, Samples
from chalicelib.confinement import Bounds, confine, shut_in

_IDLE_S = 600
_STUCK_S = 120
"""For what comes between two messages. A child that takes longer ends itself."""

_HEADER_OF_A_WAV = (b"RIFF", 2036, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data")

Read = Callable[["Desk", Opening, int | None], None]


class Desk:
    """A child's end of the conversation about one recording."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._buffer = b""
        self._ended = False

    def wait(self) -> None:
        """Return when there is something to read."""
        self.say(Kind.HUNGRY)
        signal.alarm(0)
        try:
            kind, data = container_messages.receive(self._connection)
        except (EOFError, OSError):
            _leave()
        signal.alarm(_STUCK_S)
        if kind is Kind.END:
            self._ended = True
        else:
            self._buffer += data

    def read(self, size: int, /) -> bytes:
        """Return at most so many bytes, none at the end."""
        while not self._buffer and not self._ended:
            self.wait()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def say(self, kind: Kind, payload: bytes | memoryview = b"") -> None:
        """Send something; that may take as long as the other end likes."""
        signal.alarm(0)
        try:
            container_messages.send(self._connection, kind, payload)
        except OSError:
            _leave()
        signal.alarm(_STUCK_S)

    def give(self, samples: Samples) -> None:
        """Send samples of shape (n, channels)."""
        if not any(samples.strides) and not samples[0, 0]:
            self.say(Kind.SILENCE, SILENT_FRAMES.pack(len(samples)))
        else:
            self.say(Kind.SAMPLES, np.ascontiguousarray(samples).data.cast("B"))


def read(desk: Desk, opening: Opening, file: int | None) -> None:
    """Read a recording from its beginning to its end."""
    desk.wait()
    try:
        match opening.essence:
            case g729.ESSENCE:
                fed = g729.Fed()
                _give(desk, fed.format, _fed(desk, fed))
                damaged_s = fed.damaged_s
            case essence:
                source = desk if file is None else io.FileIO(file)
                with libav.opened(source, essence, live=opening.live) as stream:
                    _give(desk, stream.format, stream.blocks())
                    damaged_s = stream.damaged_s
    except MemoryError:
        raise  # ends the process: what of it is whole is not known
    except AudioError as error:
        reason = {"reason": str(error), "mixed": isinstance(error, Mixed)}
        desk.say(Kind.FAILED, packed(reason))
    except Exception as error:  # noqa: BLE001  whatever it is, somebody waits for the answer
        desk.say(Kind.FAILED, packed({"reason": f"The audio cannot be read: {error}", "mixed": False}))
    else:
        desk.say(Kind.OVER, packed({"damaged_s": damaged_s}))


def main(argv: list[str], read: Read = read, bounds: Bounds | None = None) -> int:
    """Serve the socket with the given file descriptor until its other end is closed, or nobody needs it."""
    confine()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # goes to the whole group; when to end is for others to say
    endings: dict[int, int] = {}
    signal.signal(signal.SIGCHLD, lambda *_: _tell(endings))
    _load()
    gc.freeze()
    with socket.socket(fileno=int(argv[0])) as door:
        door.settimeout(_IDLE_S)
        while True:
            try:
                said, descriptors, _, _ = socket.recv_fds(door, 1, MOST_DESCRIPTORS)
            except TimeoutError:
                if endings:
                    continue
                return 0
            if not said:
                return 0
            _fork(door, descriptors, endings, read, bounds or Bounds())


def _load() -> None:
    """Have everything loaded that is loaded when it is first needed: children can open no files."""
    samples = struct.pack("<4sI4s4sIHHIIHH4sI", *_HEADER_OF_A_WAV, 2000) + bytes(2000)
    with libav.opened(io.BytesIO(samples), "audio/wav", live=False) as stream:
        packed(stream.format)
        list(stream.blocks())
    with suppress(Undecodable), libav.opened(io.BytesIO(bytes(2000)), "audio/ogg", live=False):
        pass
    list(g729.Fed().feed(bytes(g729.FRAME_BYTES * 100)))


def _fork(
    door: socket.socket, descriptors: list[int], endings: dict[int, int], read: Read, bounds: Bounds
) -> None:
    connection, ending, *file = descriptors
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))  # until it stands in the list
    try:
        child = os.fork()
        if child == 0:
            others = (door.detach(), ending, *endings.values())
            _become(others, connection, file, read, bounds)
        endings[child] = ending
    except OSError:
        os.close(ending)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGCHLD,))
    for descriptor in (connection, *file):
        os.close(descriptor)


def _become(others: Iterable[int], connection: int, file: list[int], read: Read, bounds: Bounds) -> NoReturn:
    """Be the child from here on."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for descriptor in others:
            os.close(descriptor)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        os.close(nowhere)
        shut_in(bounds)
        with socket.socket(fileno=connection) as connected:
            kind, payload = container_messages.receive(connected)
            if kind is Kind.OPEN:
                opening = Opening(**unpacked(payload))
                read(Desk(connected), opening, file[0] if file else None)
        status = 0
    finally:
        os._exit(status)


def _leave() -> NoReturn:
    """End at once, from wherever FFmpeg has asked for more: nobody wants the rest."""
    os._exit(0)


def _tell(endings: dict[int, int]) -> None:
    """Tell how those children ended that have."""
    while endings:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # the next signal has come in between, and all of them were told
            return
        if not child:
            return
        ending = endings.pop(child)
        try:
            os.write(ending, STATUS.pack(os.waitstatus_to_exitcode(status)))
        except BrokenPipeError:
            pass  # nobody wants to know
        finally:
            os.close(ending)


def _give(desk: Desk, audio_format: AudioFormat, blocks: Iterator[Samples]) -> None:
    desk.say(Kind.FORMAT, packed(audio_format))
    for samples in blocks:
        desk.give(samples)


def _fed(desk: Desk, fed: g729.Fed) -> Iterator[Samples]:
    while data := desk.read(1 << 16):
        yield from fed.feed(data)
    yield from fed.finish()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
