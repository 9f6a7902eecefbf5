"""What a decoding process answers, and how it travels: of the bytes nothing but such an answer can come.

The process has taken in strangers' speech, and so who asks it does not believe it more than that.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from chalicelib.engines.protocol import DecodedUtterance, Hypothesis, KeywordHit, Word, WordSlot

MOST_BYTES = 1 << 26
"""Of one answer. Two minutes of speech with every alternative take some hundred kilobytes."""


@dataclass(frozen=True)
class Batched:
    """What was decoded of each utterance of a batch."""

    utterances: tuple[DecodedUtterance, ...]


@dataclass(frozen=True)
class TaskFailure:
    """The task could not be done; the process goes on."""

    message: str
    base_unreadable: bool = False
    model_unreadable: bool = False
    customization_unsupported: bool = False


@dataclass(frozen=True)
class OpenedUtterance:
    """The models are there, and the utterance can be fed."""

    decodes_along: bool
    """What is fed is decoded at once, so that little is left to do when it is over."""


Answer = DecodedUtterance | Batched | Hypothesis | OpenedUtterance | TaskFailure
_PLAIN = (float, int, bool, str)
_PARTS = {
    (kind.__module__, kind.__qualname__): kind
    for kind in (*get_args(Answer), Word, WordSlot, KeywordHit, *_PLAIN)
}


class NoAnswer(Exception):
    """The bytes are no answer."""


def packed(answer: Answer) -> bytes:
    """Return an answer as bytes."""
    data = io.BytesIO()
    _Plainly(data).dump(answer)
    return data.getvalue()


def unpacked(data: bytes) -> Answer:
    """Return the answer.

    Raises:
        NoAnswer: the bytes are none. Nothing that they name was loaded or called.
    """
    try:
        answer = _AnswersAlone(io.BytesIO(data)).load()
    except Exception as error:  # the library names no end of what bytes may make it raise
        raise NoAnswer(str(error)) from error
    if not isinstance(answer, Answer):
        raise NoAnswer(f"{type(answer).__name__} is no answer")
    return answer


class _Plainly(pickle.Pickler):
    """Makes plain numbers of NumPy's, which would ask for functions of NumPy."""

    def reducer_override(self, part: Any, /) -> Any:
        if isinstance(part, np.generic):
            value = part.item()
            return type(value), (value,)
        return NotImplemented


class _AnswersAlone(pickle.Unpickler):
    """Makes nothing but answers and their parts, as Python's documentation restricts globals."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        try:
            return _PARTS[module_name, global_name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module_name}.{global_name} is no part of an answer") from None
