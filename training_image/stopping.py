"""SIGTERM: the platform takes the machine back, or somebody stopped the job."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from types import FrameType

from training_image.failures import Stopped

EXIT_STATUS = 128 + signal.SIGTERM
PATIENCE_S = 8.0
"""Time to unwind. SageMaker gives 120 s, a spot interruption and an operator's patience less."""

_log = logging.getLogger(__name__)
_stopping = threading.Event()


def stop_on_sigterm(patience_s: float = PATIENCE_S) -> None:
    """From now on SIGTERM raises `Stopped` in the main thread, and ends the process soon in any case."""
    process = os.getpid()

    def handle(number: int, frame: FrameType | None) -> None:
        if os.getpid() != process:
            os._exit(EXIT_STATUS)  # a forked child that kept this handler
        if _stopping.is_set():
            return
        _stopping.set()
        timer = threading.Timer(patience_s, _end_now)
        timer.daemon = True
        timer.start()
        raise Stopped

    signal.signal(signal.SIGTERM, handle)


def is_stopping(within_s: float = 0.0) -> bool:
    """Return whether SIGTERM has come, or comes within this time."""
    return _stopping.wait(within_s)


def _end_now() -> None:
    _log.warning("still busy after SIGTERM, ending at once")
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(EXIT_STATUS)
