"""Where recordings are read: in a process without secrets, which forks a child for each of them."""

from __future__ import annotations

import atexit
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

from chalicelib.audio.containers.container_messages import STATUS
from chalicelib.confinement import variables_of_children

_COMMAND = (sys.executable, "-m", "chalicelib.audio.containers.container_process")
_NEEDED = (
    *("LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "LANG", "LC_ALL"),
    "ATTUNE_SERVICE_MARK",  # by which whoever ends or measures a service finds all of its processes
)
"""Of this process's variables. All others may be secrets, or lead to one."""
_MOST_WAITING_S = 180.0
"""For an answer; a child that takes nearly as long has ended itself before."""
_ENDS_WITHIN_S = 10
_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)


class ReadingInterrupted(Exception):
    """The process that read was ended from outside: of the audio nothing is known."""


class Child:
    """A child that reads one recording. To be closed."""

    def __init__(self, connection: socket.socket, ending: int) -> None:
        self.connection = connection
        self._ending = ending

    def ended_by_itself(self) -> bool:
        """Tell, of a child that is gone, whether it was the recording's doing: a crash, or a bound."""
        poll = select.poll()
        poll.register(self._ending, select.POLLIN)
        if not poll.poll(_ENDS_WITHIN_S * 1000):
            return True  # it hung up, and goes on all the same
        status = os.read(self._ending, STATUS.size)
        return len(status) == STATUS.size and STATUS.unpack(status)[0] not in _FROM_OUTSIDE

    def close(self) -> None:
        """Let go of it; it ends when it notices."""
        self.connection.close()
        if self._ending >= 0:
            os.close(self._ending)
            self._ending = -1


class ContainerProcesses:
    """Starts the process when it is first needed, and again when it has ended. Safe for threads."""

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        """Take what starts the process; it is given a socket's file descriptor."""
        self._command = command
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._door: socket.socket | None = None

    def child(self, file: int | None = None) -> Child:
        """Return a new child; `file` is the descriptor of what it may read besides what it is fed.

        Raises:
            OSError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        ending, told = os.pipe()
        try:
            descriptors = [theirs.fileno(), told, *([] if file is None else [file])]
            with self._lock:
                try:
                    self._send(descriptors)
                except OSError:  # it has ended, and nobody has noticed yet
                    self._close()
                    self._send(descriptors)
        except BaseException:
            ours.close()
            os.close(ending)
            raise
        finally:
            theirs.close()
            os.close(told)
        ours.settimeout(_MOST_WAITING_S)
        return Child(ours, ending)

    @property
    def process_id(self) -> int | None:
        """Of the process, if it was started."""
        with self._lock:
            return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process, if it runs."""
        with self._lock:
            self._close()

    def _send(self, descriptors: list[int]) -> None:
        if self._door is None:
            ours, door = socket.socketpair()
            with door:
                self._process = subprocess.Popen(
                    [*self._command, str(door.fileno())],
                    pass_fds=[door.fileno()],
                    stdin=subprocess.DEVNULL,
                    env=_environment(),
                )
            self._door = ours
        socket.send_fds(self._door, [b"+"], descriptors)

    def _close(self) -> None:
        if self._door is not None:
            self._door.close()
            self._door = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _NEEDED if name in os.environ} | variables_of_children()


shared = ContainerProcesses()
"""The one of this process."""
atexit.register(shared.close)
