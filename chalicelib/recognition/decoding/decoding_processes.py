"""A connection to a decoding process: one of its own, or one of many to a process whose threads decode.

Plain sockets and `Popen`: in Lambda `multiprocessing` has no semaphores.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Protocol

from chalicelib.confinement import variables_of_children
from chalicelib.recognition.decoding.decoder_answers import MOST_BYTES, Answer, NoAnswer, unpacked
from chalicelib.recognition.decoding.decoder_worker import Message

WORKER_COMMAND = (sys.executable, "-m", "chalicelib.recognition.decoding.decoder_process")
"""Called with a connected socket's file descriptor and this process's id."""
BACKGROUND = "--background"
BACKGROUND_COMMAND = (*WORKER_COMMAND, BACKGROUND)
"""The same, for work that takes only what others leave of the cores."""
SHARED = "--shared"
"""The descriptor is that of a socket over which connections come; each gets a thread."""

_BACKGROUND_NICENESS = 5
"""A process of ordinary priority gets three times as much of a core."""
_SECRET = ("AWS_", "ATTUNE_INTERNAL", "ATTUNE_API")
"""Of variables: what decodes needs no store and no key."""
_ALLOCATION = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "1000000",
    "MALLOC_TRIM_THRESHOLD_": "1000000",
}
"""A network's intermediate arrays are large and short-lived: so glibc gives them back at once. It halves what
a process holds and costs no time."""


class ProcessDied(Exception):
    """The process is gone, or had to be ended."""


class DecodingProcess(Protocol):
    """What a pool's thread talks to."""

    @property
    def process_id(self) -> int:
        """Of the process at the other end."""
        ...

    def tell(self, message: Message) -> None:
        """Send what is not answered.

        Raises:
            ProcessDied: it is gone.
        """
        ...

    def ask(self, message: Message) -> Answer:
        """Send a question and return its answer.

        Raises:
            ProcessDied: it is gone, or took longer than it may.
        """
        ...

    def kill(self) -> None:
        """End the process; whoever waits for its answer sees the connection close."""
        ...

    def end(self) -> None:
        """Let go of it: end the process, or leave a shared one to others."""
        ...


class _Connected:
    """The conversation with a process over a connection."""

    def __init__(self, process: subprocess.Popen[bytes], connection: Connection, limit_s: float) -> None:
        self._process = process
        self._connection = connection
        self._limit_s = limit_s

    @property
    def process_id(self) -> int:
        return self._process.pid

    def tell(self, message: Message) -> None:
        try:
            self._connection.send(message)
        except OSError as error:
            raise ProcessDied(str(error)) from error

    def ask(self, message: Message) -> Answer:
        self.tell(message)
        try:
            if not self._connection.poll(self._limit_s):
                self.kill()
                raise ProcessDied("stuck")
            return unpacked(self._connection.recv_bytes(MOST_BYTES))
        except (EOFError, OSError) as error:
            raise ProcessDied(str(error)) from error
        except NoAnswer as error:
            self.kill()
            raise ProcessDied(str(error)) from error

    def kill(self) -> None:
        self._process.kill()


class OwnProcess(_Connected):
    """A process that decodes one utterance at a time, for one thread of a pool."""

    def __init__(self, command: Sequence[str], limit_s: float) -> None:
        """Start it.

        Raises:
            OSError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = _started(command, theirs)
            super().__init__(process, Connection(ours.detach()), limit_s)

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._connection.close()


class SharedProcess:
    """A process that holds each model once and decodes for many threads; started when first needed."""

    def __init__(self, command: Sequence[str], limit_s: float) -> None:
        """Take how it is started, and how long an answer may take."""
        self._command = (*command, SHARED)
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None

    def connect(self) -> DecodingProcess:
        """Return a new connection to the process, which is started unless it runs.

        Raises:
            OSError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            connection = Connection(ours.detach())
            with self._lock:
                try:
                    self._send(theirs)
                except OSError:  # it has died, and nobody has noticed yet
                    self._close()
                    self._send(theirs)
                assert self._process is not None
                return _Shared(self._process, connection, self._limit_s)

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The process, if it runs."""
        with self._lock:
            running = self._process is not None and self._process.poll() is None
            return (self._process.pid,) if running and self._process is not None else ()

    def kill(self) -> None:
        """End the process at once."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def close(self) -> None:
        """End the process and wait until it is gone."""
        with self._lock:
            self._close()

    def _send(self, theirs: socket.socket) -> None:
        if self._process is None or self._process.poll() is not None or self._door is None:
            self._close()
            ours, door = socket.socketpair()
            with door:
                self._process = _started(self._command, door)
            self._door = ours
        socket.send_fds(self._door, [b"+"], [theirs.fileno()])

    def _close(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class _Shared(_Connected):
    def end(self) -> None:
        """Hang up; what is still being answered is answered to nobody."""
        with suppress(OSError):
            self._connection.close()


def _started(command: Sequence[str], theirs: socket.socket) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [*command, str(theirs.fileno()), str(os.getpid())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        env=environment(),
    )
    if BACKGROUND in command:
        # From its first moment on: to start, and to load a model, takes seconds of a core.
        niceness = os.getpriority(os.PRIO_PROCESS, 0) + _BACKGROUND_NICENESS
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
    return process


def environment() -> dict[str, str]:
    """Return a decoding process's variables: one core for each utterance, and the same modules as here."""
    return {
        **_ALLOCATION,
        **{name: value for name, value in os.environ.items() if not name.startswith(_SECRET)},
        **variables_of_children(),
    }
