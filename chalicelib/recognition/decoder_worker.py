"""What a decoding process does: it keeps recognisers and answers one utterance after the other.

An utterance comes whole, as a `Task`, or while it is being spoken: `Open`, then `Feed`s, which are not
answered, `Partial`s and `Finish`. An `Open` or a `Task` ends what was open before.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

from chalicelib.engines.errors import CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import (
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Hypothesis,
    Recognizer,
    Samples,
    UtteranceStream,
)

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
class Prepare:
    """These models will soon be needed; nothing is answered. Between utterances."""

    base_version: str
    custom: CustomModels


@dataclass(frozen=True)
class Open:
    """An utterance begins; loads its models if need be."""

    base_version: str
    custom: CustomModels


@dataclass(frozen=True)
class Feed:
    """The utterance goes on; nothing is answered."""

    samples: Samples


@dataclass(frozen=True)
class Partial:
    """Asks for the best reading so far."""


@dataclass(frozen=True)
class Finish:
    """The utterance is over: asks for everything."""

    options: DecodingOptions


Message = Task | Prepare | Open | Feed | Partial | Finish


@dataclass(frozen=True)
class Failure:
    """The task could not be done; the process goes on."""

    message: str
    model_unreadable: bool = False
    customization_unsupported: bool = False


@dataclass(frozen=True)
class Opened:
    """The models are there, and the utterance can be fed."""

    decodes_along: bool
    """What is fed is decoded at once, so that little is left to do when it is over."""


Answer = DecodedUtterance | Hypothesis | Opened | Failure
_NOTHING_OPEN = Failure("no utterance is open")
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
            engines.errors.CustomizationUnsupported: the engine cannot use that kind of model.
        """
        key = (base_version, custom)
        if key not in self._recognizers:
            while len(self._recognizers) >= self._kept:
                self._recognizers.popitem(last=False)
            self._recognizers[key] = self._load(base_version, custom)
        self._recognizers.move_to_end(key)
        return self._recognizers[key]


def serve(connection: Connection, load: Load) -> None:
    """Answer messages until the other end closes the connection."""
    desk = _Desk(RecognizerCache(load))
    while True:
        try:
            message: Message = connection.recv()
        except EOFError:
            return
        answer = desk.take(message)
        if answer is not None:
            try:
                connection.send(answer)
            except BrokenPipeError:
                return


class _Desk:
    """Where messages are answered. A failure to take audio is told at the next question about it."""

    def __init__(self, cache: RecognizerCache) -> None:
        self._cache = cache
        self._stream: UtteranceStream | None = None
        self._failure = _NOTHING_OPEN

    def take(self, message: Message) -> Answer | None:
        try:
            return self._take(message)
        except ModelUnreadable as error:
            failure = Failure(str(error), model_unreadable=True)
        except CustomizationUnsupported as error:
            failure = Failure(str(error), customization_unsupported=True)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises concerns this utterance alone
            failure = Failure(f"{type(error).__name__}: {error}")
        self._stream, self._failure = None, failure
        return None if isinstance(message, Prepare | Feed) else failure

    def _take(self, message: Message) -> Answer | None:
        match message:
            case Task():
                self._abandon()
                recognizer = self._cache.get(message.base_version, message.custom)
                return recognizer.recognize(message.samples, message.options)
            case Prepare():
                self._cache.get(message.base_version, message.custom)
            case Open():
                self._abandon()
                self._stream = self._cache.get(message.base_version, message.custom).stream()
                return Opened(self._stream.decodes_along)
            case Feed() if self._stream is not None:
                self._stream.feed(message.samples)
            case Partial():
                return self._failure if self._stream is None else self._stream.partial()
            case Finish():
                stream, self._stream = self._stream, None
                return self._failure if stream is None else stream.finish(message.options)
        return None

    def _abandon(self) -> None:
        self._stream, self._failure = None, _NOTHING_OPEN


def start(parent: int) -> bool:
    """Bind this process's life to that of its parent; False when the parent is gone already.

    Decoding holds the interpreter for up to a minute, so that a closed connection would be noticed too late.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A Ctrl+C goes to the whole group; when to end is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return os.getppid() == parent
