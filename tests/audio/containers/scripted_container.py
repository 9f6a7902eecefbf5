"""A process that forks children as the real one does; they do what a recording's first byte says."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from chalicelib.audio.containers import container_process
from chalicelib.audio.containers.container_messages import Kind, Opening, packed
from chalicelib.audio.containers.container_process import Desk
from chalicelib.audio.stream import AudioFormat
from chalicelib.confinement import Bounds

TRY, ENVIRONMENT, MEMORY, PROCESSOR, STUCK, CRASH, KILLED, HALF_A_SAMPLE, TOO_MUCH = (
    bytes([deed]) for deed in range(9)
)
ATTEMPTS: dict[str, Callable[[], Any]] = {
    "read a file": Path("/etc/hostname").read_bytes,
    "list a folder": lambda: list(Path("/").iterdir()),
    "open a socket": lambda: socket.socket().close(),
    "use a descriptor of somebody else": lambda: os.fstat(_fifth_descriptor()),
}


def read(desk: Desk, opening: Opening, file: int | None) -> None:
    """Do one deed; what came of it stands where the codec's name should."""
    desk.wait()
    match desk.read(1):
        case deed if deed == TRY:
            _tell(desk, ",".join(filter(_succeeds, ATTEMPTS)))
        case deed if deed == ENVIRONMENT:
            _tell(desk, ",".join(os.environ))
        case deed if deed == MEMORY:
            held = [bytearray(1 << 20)]
            while True:
                held.append(bytearray(1 << 20))
        case deed if deed == PROCESSOR:
            while True:
                pass
        case deed if deed == STUCK:
            signal.alarm(1)
            time.sleep(60)
        case deed if deed == CRASH:
            ctypes.string_at(0)
        case deed if deed == KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        case deed if deed == HALF_A_SAMPLE:
            desk.say(Kind.FORMAT, packed(AudioFormat(8000, 1, "scripted")))
            desk.say(Kind.SAMPLES, bytes(3))
            desk.wait()
        case _:
            desk._connection.sendall(b"s" + b"\xff" * 4)  # as one that was taken over
            desk.wait()


def _fifth_descriptor() -> int:
    """Return the fifth that is open: three lead nowhere, and the fourth to who feeds the recording."""
    return [*filter(_is_open, range(256)), -1, -1][4]


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _tell(desk: Desk, what: str) -> None:
    desk.say(Kind.FORMAT, packed(AudioFormat(8000, 1, what)))
    desk.give(np.ones((1, 1), np.float32))
    desk.say(Kind.OVER, packed({"damaged_s": None}))


def _succeeds(attempt: str) -> bool:
    try:
        ATTEMPTS[attempt]()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(container_process.main(sys.argv[1:], read, Bounds(memory_bytes=64 << 20, cpu_s=1)))
