"""What a decoding process does: it keeps recognisers and answers one utterance after the other."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from chalicelib.engines import loading
from chalicelib.engines.errors import ModelUnreadable
from chalicelib.engines.protocol import CustomModels, DecodedUtterance, DecodingOptions, Recognizer, Samples

RECOGNIZERS_KEPT = 3
"""A loaded recogniser takes about 100 MB."""

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Task:
    """One utterance, the models to decode it with, and what is wanted of it."""

    base_version: str
    custom: CustomModels
    samples: Samples
    options: DecodingOptions


@dataclass(frozen=True)
class Failure:
    """The task could not be done; the process goes on."""

    message: str
    model_unreadable: bool = False


Answer = DecodedUtterance | Failure
Load = Callable[[str, CustomModels], Recognizer]


class RecognizerCache:
    """The recognisers used last, by base version and custom models."""

    def __init__(self, load: Load, kept: int = RECOGNIZERS_KEPT) -> None:
        self._load = load
        self._kept = kept
        self._recognizers: OrderedDict[tuple[str, CustomModels], Recognizer] = OrderedDict()

    def get(self, base_version: str, custom: CustomModels) -> Recognizer:
        """Return the recogniser, loading it if need be.

        Raises:
            engines.errors.ModelUnreadable: a custom model is damaged or made for another base version.
        """
        key = (base_version, custom)
        if key not in self._recognizers:
            while len(self._recognizers) >= self._kept:
                self._recognizers.popitem(last=False)
            self._recognizers[key] = self._load(base_version, custom)
        self._recognizers.move_to_end(key)
        return self._recognizers[key]


def serve(connection: Connection, load: Load = loading.load) -> None:
    """Answer tasks until the other end closes the connection."""
    cache = RecognizerCache(load)
    while True:
        try:
            task: Task = connection.recv()
        except EOFError:
            return
        try:
            connection.send(_answer(task, cache))
        except BrokenPipeError:
            return


def _answer(task: Task, cache: RecognizerCache) -> Answer:
    try:
        recognizer = cache.get(task.base_version, task.custom)
        return recognizer.recognize(task.samples, task.options)
    except ModelUnreadable as error:
        return Failure(str(error), model_unreadable=True)
    except Exception as error:  # noqa: BLE001 - whatever an engine raises concerns this utterance alone
        return Failure(f"{type(error).__name__}: {error}")


def start(parent: int) -> bool:
    """Bind this process's life to that of its parent; False when the parent is gone already.

    Decoding holds the interpreter for up to a minute, so that a closed connection would be noticed too late.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A Ctrl+C goes to the whole group; when to end is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return os.getppid() == parent
