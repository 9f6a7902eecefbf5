"""How parameters are written: as text in a query, as JSON values in a message, and what is expected."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chalicelib.recognition.request import keyword_forms

MAX_KEYWORDS = 1000
MAX_KEYWORD_CHARACTERS = 1024

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_MOST_WHOLE = 10**18


@dataclass(frozen=True)
class ParameterKind:
    """What is expected, in words, and a reader that raises ValueError.

    A reader takes text and the JSON type alike: clients of Watson send `"0.5"` as well as `0.5`.
    """

    expected: str
    read: Callable[[object], Any]
    schema: dict[str, Any]
    """Of the JSON type, in the words of JSON Schema."""


def shown(value: object) -> str:
    """Return a value as a client would recognise it in an error message, shortened."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def number(low: float, high: float = math.inf) -> ParameterKind:
    """A number from `low` to `high`, both included."""

    def read(value: object) -> float:
        if isinstance(value, str):
            read_value = float(value) if _NUMBER.fullmatch(value) else math.nan
        elif isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _MOST_WHOLE:
            read_value = math.nan
        else:
            read_value = float(value)
        if not low <= read_value <= high or math.isinf(read_value):
            raise ValueError(value)
        return read_value

    bounds = {"minimum": low} | ({} if math.isinf(high) else {"maximum": high})
    return ParameterKind(
        f"a number of at least {low}" if math.isinf(high) else f"a number from {low} to {high}",
        read,
        {"type": "number", **bounds},
    )


def whole(expected: str, accepts: Callable[[int], bool], least: int = 1) -> ParameterKind:
    """A whole number of at least `least` that `accepts` accepts."""

    def read(value: object) -> int:
        read_value = _to_whole(value)
        if not accepts(read_value):
            raise ValueError(value)
        return read_value

    return ParameterKind(expected, read, {"type": "integer", "minimum": least})


def one_of(*values: str) -> ParameterKind:
    """One of these words, in upper or lower case."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value.lower() not in values:
            raise ValueError(value)
        return value.lower()

    return ParameterKind(" or ".join(values), read, {"type": "string", "enum": list(values)})


def _to_whole(value: object) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MOST_WHOLE:
        raise ValueError(value)
    if int(value) != value:
        raise ValueError(value)
    return int(value)


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in ("true", "false"):
        raise ValueError(value)
    return value.lower() == "true"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(value)
    return value


def _keywords(value: object) -> tuple[str, ...]:
    listed = keyword_forms.listed(value) if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(keyword, str) for keyword in listed):
        raise ValueError(value)
    keywords = tuple(filter(None, (keyword_forms.unquoted(str(keyword)) for keyword in listed)))
    if len(keywords) > MAX_KEYWORDS or any(len(keyword) > MAX_KEYWORD_CHARACTERS for keyword in keywords):
        raise ValueError(value)
    return keywords


BOOLEAN = ParameterKind("true or false", _boolean, {"type": "boolean"})
TEXT = ParameterKind("a text that is not empty", _text, {"type": "string", "minLength": 1})
FRACTION = number(0.0, 1.0)
KEYWORDS = ParameterKind(
    f"a comma-separated list (in JSON: an array) of at most {MAX_KEYWORDS} keywords, each of at most "
    f"{MAX_KEYWORD_CHARACTERS} characters",
    _keywords,
    {
        "type": "array",
        "items": {"type": "string", "maxLength": MAX_KEYWORD_CHARACTERS},
        "maxItems": MAX_KEYWORDS,
    },
)
