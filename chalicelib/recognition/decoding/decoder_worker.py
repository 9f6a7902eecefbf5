"""What a decoding process does: it keeps recognisers and answers one utterance after the other.

An utterance comes whole, as a `Task`, or while it is being spoken: `Open`, then `Feed`s, which are not
answered, `Partial`s and `Finish`. An `Open` or a `Task` ends what was open before.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection

from chalicelib.confinement import confine
from chalicelib.engines.errors import BaseUnreadable, CustomizationUnsupported, ModelUnreadable
from chalicelib.engines.protocol import (
    BatchRecognizer,
    CustomModels,
    DecodedUtterance,
    DecodingOptions,
    Recognizer,
    Samples,
    UtteranceStream,
)
from chalicelib.recognition.decoding.decoder_answers import (
    Answer,
    Batched,
    OpenedUtterance,
    TaskFailure,
    packed,
)
from chalicelib.recognition.decoding.loaded_models import Key, LoadedModels

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Task:
    """One utterance, the models to decode it with, and what is wanted of it."""

    base_version: str
    custom: CustomModels
    samples: Samples
    options: DecodingOptions


@dataclass(frozen=True)
class DecodingBatch:
    """Utterances that are to be decoded together, in the same way."""

    base_version: str
    custom: CustomModels
    utterances: tuple[Samples, ...]
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


Message = Task | DecodingBatch | Prepare | Open | Feed | Partial | Finish


_NOTHING_OPEN = TaskFailure("no utterance is open")


def serve(connection: Connection, models: LoadedModels) -> None:
    """Answer messages until the other end closes the connection. Several threads may share the models."""
    desk = _Desk(models)
    try:
        while True:
            message: Message = connection.recv()
            answer = desk.take(message)
            if answer is not None:
                connection.send_bytes(packed(answer))
    except (EOFError, ConnectionError):
        return
    finally:
        desk.leave()


class _Desk:
    """Where messages are answered. A failure to take audio is told at the next question about it."""

    def __init__(self, models: LoadedModels) -> None:
        self._models = models
        self._stream: UtteranceStream | None = None
        self._borrowed: Key | None = None
        """What the open utterance uses."""
        self._failure = _NOTHING_OPEN

    def take(self, message: Message) -> Answer | None:
        try:
            return self._take(message)
        except BaseUnreadable as error:
            failure = TaskFailure(str(error), base_unreadable=True)
        except ModelUnreadable as error:
            failure = TaskFailure(str(error), model_unreadable=True)
        except CustomizationUnsupported as error:
            failure = TaskFailure(str(error), customization_unsupported=True)
        except Exception as error:  # noqa: BLE001 - whatever an engine raises concerns this utterance alone
            failure = TaskFailure(f"{type(error).__name__}: {error}")
        self.leave()
        self._failure = failure
        return None if isinstance(message, Prepare | Feed) else failure

    def leave(self) -> None:
        """Give the open utterance up, and its models back."""
        self._stream, self._failure = None, _NOTHING_OPEN
        borrowed, self._borrowed = self._borrowed, None
        if borrowed is not None:
            self._models.give_back(*borrowed)

    def _take(self, message: Message) -> Answer | None:
        match message:
            case Task():
                self.leave()
                with self._models.use(message.base_version, message.custom) as recognizer:
                    return recognizer.recognize(message.samples, message.options)
            case DecodingBatch():
                self.leave()
                with self._models.use(message.base_version, message.custom) as recognizer:
                    return Batched(_recognized(recognizer, message.utterances, message.options))
            case Prepare():
                with self._models.use(message.base_version, message.custom):
                    pass
            case Open():
                self.leave()
                recognizer = self._models.borrow(message.base_version, message.custom)
                self._borrowed = (message.base_version, message.custom)
                self._stream = recognizer.stream()
                return OpenedUtterance(self._stream.decodes_along)
            case Feed() if self._stream is not None:
                self._stream.feed(message.samples)
            case Partial():
                return self._failure if self._stream is None else self._stream.partial()
            case Finish():
                if self._stream is None:
                    return self._failure
                finished = self._stream.finish(message.options)
                self.leave()
                return finished
        return None


def _recognized(
    recognizer: Recognizer, utterances: tuple[Samples, ...], options: DecodingOptions
) -> tuple[DecodedUtterance, ...]:
    if isinstance(recognizer, BatchRecognizer):
        return tuple(recognizer.recognize_all(utterances, options))
    return tuple(recognizer.recognize(samples, options) for samples in utterances)


def start(parent: int) -> bool:
    """Bind this process's life to that of its parent; False when the parent is gone already.

    Decoding holds the interpreter for up to a minute, so that a closed connection would be noticed too late.
    It is also confined: see `confinement`.
    """
    confine()  # before the bond, which a change of rights would undo
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # A Ctrl+C goes to the whole group; when to end is for the parent to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return os.getppid() == parent
