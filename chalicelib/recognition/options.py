"""The query of a recognition request: read, checked, frozen."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.engines.catalogue import DEFAULT_BASE_MODEL

MAX_KEYWORDS = 1000
MAX_KEYWORD_CHARACTERS = 1024
MAX_ALTERNATIVES = 100
"""Asking for more is no error; nobody gets more."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class InvalidOption(ValueError):
    """A parameter's value cannot be read, or lies outside its range."""

    def __init__(self, parameter: str, value: str, expected: str) -> None:
        shown = value if len(value) <= 60 else f"{value[:57]}..."
        super().__init__(f"Invalid value '{shown}' for parameter '{parameter}': it must be {expected}")
        self.parameter = parameter
        self.expected = expected


class MalformedGuid(ValueError):
    """A customization id is not a GUID."""

    def __init__(self, customization_id: str) -> None:
        super().__init__(f"Malformed GUID: '{customization_id}'")
        self.customization_id = customization_id


class OptionsConflict(ValueError):
    """Two parameters that need or exclude each other."""


@dataclass(frozen=True)
class Options:
    """What a recognition request asks for; names and defaults are Watson's."""

    model: str = DEFAULT_BASE_MODEL
    base_model_version: str | None = None
    acoustic_customization_id: str | None = None
    language_customization_id: str | None = None
    customization_weight: float | None = None
    grammar_name: str | None = None
    timestamps: bool = False
    word_confidence: bool = False
    max_alternatives: int = 1
    end_of_phrase_silence_time: float = 0.8
    """Seconds of pause that end an utterance."""
    keywords: tuple[str, ...] = ()
    keywords_threshold: float | None = None
    word_alternatives_threshold: float | None = None
    profanity_filter: bool = True
    smart_formatting: bool = False
    redaction: bool = False
    speaker_labels: bool = False
    audio_metrics: bool = False
    split_transcript_at_phrase_end: bool = False
    speech_detector_sensitivity: float = 0.5
    background_audio_suppression: float = 0.0
    inactivity_timeout: int = 30
    """Seconds; -1: never. Concerns audio that is still being sent."""
    interim_results: bool = False
    processing_metrics: bool = False
    processing_metrics_interval: float = 1.0


@dataclass(frozen=True)
class _Kind:
    """How a parameter is written: what is expected, in words, and a reader that raises ValueError."""

    expected: str
    read: Callable[[str], Any]


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError(text)
    return text


def _number(low: float, high: float = math.inf) -> _Kind:
    def read(text: str) -> float:
        if not _NUMBER.fullmatch(text) or not low <= float(text) <= high or math.isinf(float(text)):
            raise ValueError(text)
        return float(text)

    return _Kind(
        f"a number of at least {low}" if math.isinf(high) else f"a number from {low} to {high}",
        read,
    )


def _whole(expected: str, accepts: Callable[[int], bool]) -> _Kind:
    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not accepts(int(text)):
            raise ValueError(text)
        return int(text)

    return _Kind(expected, read)


def _keywords(text: str) -> tuple[str, ...]:
    keywords = tuple(keyword.strip() for keyword in text.split(",") if keyword.strip())
    if len(keywords) > MAX_KEYWORDS or any(len(keyword) > MAX_KEYWORD_CHARACTERS for keyword in keywords):
        raise ValueError(text)
    return keywords


_BOOLEAN = _Kind("true or false", _boolean)
_TEXT = _Kind("a text that is not empty", _text)
_FRACTION = _number(0.0, 1.0)

_KINDS: dict[str, _Kind] = {
    "model": _TEXT,
    "base_model_version": _TEXT,
    "acoustic_customization_id": _TEXT,
    "language_customization_id": _TEXT,
    "customization_id": _TEXT,
    "customization_weight": _FRACTION,
    "grammar_name": _TEXT,
    "timestamps": _BOOLEAN,
    "word_confidence": _BOOLEAN,
    "max_alternatives": _whole("a whole number of at least 0", lambda count: count >= 0),
    "end_of_phrase_silence_time": _number(0.0, 120.0),
    "keywords": _Kind(
        f"a comma-separated list of at most {MAX_KEYWORDS} keywords, each of at most "
        f"{MAX_KEYWORD_CHARACTERS} characters",
        _keywords,
    ),
    "keywords_threshold": _FRACTION,
    "word_alternatives_threshold": _FRACTION,
    "profanity_filter": _BOOLEAN,
    "smart_formatting": _BOOLEAN,
    "redaction": _BOOLEAN,
    "speaker_labels": _BOOLEAN,
    "audio_metrics": _BOOLEAN,
    "split_transcript_at_phrase_end": _BOOLEAN,
    "speech_detector_sensitivity": _FRACTION,
    "background_audio_suppression": _FRACTION,
    "inactivity_timeout": _whole(
        "a whole number of seconds, greater than 0, or -1 for no timeout",
        lambda seconds: seconds == -1 or seconds > 0,
    ),
    "interim_results": _BOOLEAN,
    "processing_metrics": _BOOLEAN,
    "processing_metrics_interval": _number(0.1),
}

# Accepted and checked, but without effect so far; with the value that asks for what is done anyway.
_WITHOUT_EFFECT: dict[str, object] = {
    "keywords": (),
    "word_alternatives_threshold": None,
    "profanity_filter": False,
    "smart_formatting": False,
    "redaction": False,
    "speaker_labels": False,
    "audio_metrics": False,
    "split_transcript_at_phrase_end": False,
    "speech_detector_sensitivity": 0.5,
    "background_audio_suppression": 0.0,
    "inactivity_timeout": -1,
}
_NOT_OVER_HTTP = ("interim_results", "processing_metrics")


@dataclass(frozen=True)
class ParsedQuery:
    """The options, and what the user should know about those that were not followed."""

    options: Options
    warnings: tuple[str, ...]


def parse(query: Mapping[str, Sequence[str]]) -> ParsedQuery:
    """Read the decoded query arguments; of one that is repeated the last counts.

    Raises:
        InvalidOption: a value cannot be read or is out of range; says which, and the range.
        MalformedGuid: a customization id is not a GUID.
        OptionsConflict: a parameter lacks the one that it needs, or excludes another one given.
    """
    values: dict[str, Any] = {}
    for name, kind in _KINDS.items():
        if query.get(name):
            text = query[name][-1]
            try:
                values[name] = kind.read(text)
            except ValueError:
                raise InvalidOption(name, text, kind.expected) from None
    _settle_alias(values)
    for name in ("acoustic_customization_id", "language_customization_id"):
        if name in values and not _GUID.fullmatch(values[name]):
            raise MalformedGuid(values[name])
    given = frozenset(values)
    if "max_alternatives" in values:
        values["max_alternatives"] = min(max(values["max_alternatives"], 1), MAX_ALTERNATIVES)
    if values.get("end_of_phrase_silence_time") == 0.0:
        del values["end_of_phrase_silence_time"]
    if values.get("speaker_labels"):
        values["timestamps"] = True
    options = Options(**values)
    _check_dependencies(options)
    unknown = sorted(set(query) - set(_KINDS))
    return ParsedQuery(options, _warnings(options, given, unknown))


def _settle_alias(values: dict[str, Any]) -> None:
    """Let the deprecated `customization_id` mean `language_customization_id`."""
    alias = values.pop("customization_id", None)
    if alias is not None and values.setdefault("language_customization_id", alias) != alias:
        raise OptionsConflict(
            "customization_id and language_customization_id name different models: give only "
            "language_customization_id"
        )


def _check_dependencies(options: Options) -> None:
    if options.keywords and options.keywords_threshold is None:
        raise OptionsConflict("keywords_threshold must be set if keywords list is not empty")
    if options.customization_weight is not None and options.language_customization_id is None:
        raise OptionsConflict("Cannot specify customization weight when not using customization.")
    if options.grammar_name is not None and options.language_customization_id is None:
        raise OptionsConflict("grammar_name needs language_customization_id, the model that has the grammar")


def _warnings(options: Options, given: frozenset[str], unknown: Sequence[str]) -> tuple[str, ...]:
    warnings = []
    if unknown:
        warnings.append(f"Unknown url query arguments: {', '.join(unknown)}.")
    not_over_http = [name for name in _NOT_OVER_HTTP if getattr(options, name)]
    if not_over_http:
        warnings.append(f"Not supported over HTTP and ignored: {', '.join(not_over_http)}.")
    without_effect = [
        name
        for name, neutral in _WITHOUT_EFFECT.items()
        if name in given and getattr(options, name) != neutral
    ]
    if without_effect:
        warnings.append(f"Not supported by this service yet and ignored: {', '.join(without_effect)}.")
    return tuple(warnings)
