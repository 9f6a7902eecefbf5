"""SIGTERM: the platform takes the machine back, or somebody stopped the job."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from types import FrameType

from training_image.failures import JobStopped

EXIT_STATUS = 128 + signal.SIGTERM
PATIENCE_S = 8.0
"""Time to unwind. SageMaker gives 120 s, a spot interruption and an operator's patience less."""

_log = logging.getLogger(__name__)
_LOOK_EVERY_S = 0.01


class _State:
    """Plain, without a lock: a handler that waits for one would wait for the very code it has interrupted."""

    stopping = False


def stop_on_sigterm(patience_s: float = PATIENCE_S) -> None:
    """From now on SIGTERM raises `JobStopped` in the main thread, and ends the process soon in any case."""
    process = os.getpid()
    asked, ask = os.pipe()
    threading.Thread(target=_end_when_asked, args=(asked, patience_s), daemon=True).start()

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            os._exit(EXIT_STATUS)  # a forked child that kept this handler
        if _State.stopping:
            return
        _State.stopping = True
        os.write(ask, b"\n")
        raise JobStopped

    signal.signal(signal.SIGTERM, handle)


def is_stopping(within_s: float = 0.0) -> bool:
    """Return whether SIGTERM has come, or comes within this time."""
    until_s = time.monotonic() + within_s
    while not _State.stopping and time.monotonic() < until_s:
        time.sleep(_LOOK_EVERY_S)
    return _State.stopping


def _end_when_asked(asked: int, patience_s: float) -> None:
    os.read(asked, 1)
    time.sleep(patience_s)
    _log.warning("still busy after SIGTERM, ending at once")
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(EXIT_STATUS)
