"""The fields of a transcription as OpenAI's clients send them: read strictly; the rest gets warnings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from chalicelib.recognition.request.forms import Fields

FILE = "file"
Format = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity = Literal["word", "segment"]

_STREAMED: tuple[Format, ...] = ("json", "text")
_GRANULARITIES = "timestamp_granularities"
_WITHOUT_EFFECT = {
    "prompt": "prompt has no effect: train a custom language model with the words that matter instead.",
    "chunking_strategy": "chunking_strategy has no effect: recordings are always cut at pauses.",
    "include": "include has no effect: verbose_json has the confidence of each segment.",
    "known_speaker_names": "known_speaker_names has no effect: use speaker_labels at /v1/recognize.",
    "known_speaker_references": "known_speaker_references has no effect: voices are not enrolled.",
}
_KNOWN = {"model", "language", "response_format", "temperature", "stream", _GRANULARITIES, *_WITHOUT_EFFECT}
_LONGEST_SHOWN = 60


class BadField(ValueError):
    """A field cannot be used; the text is for the client."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class TranscriptionRequest:
    """What is asked for."""

    model: str
    language: str | None = None
    """Of the recording, as a tag such as `en` or `en-US`; None: whatever the model hears."""
    response_format: Format = "json"
    granularities: frozenset[Granularity] = frozenset({"segment"})
    """What `verbose_json` has the times of."""
    stream: bool = False
    warnings: tuple[str, ...] = ()
    """About fields that have no effect."""


def read(fields: Fields) -> TranscriptionRequest:
    """Read the fields of the form.

    Raises:
        BadField: one is missing or makes no sense; says which, and what it may be.
    """
    if len(fields.files) != 1:
        raise BadField(FILE, f"The form needs one part named '{FILE}'; it has {len(fields.files)}.")
    # Lists are written with brackets behind the name, and by some clients with a number in them.
    values: dict[str, tuple[str, ...]] = {}
    for name, texts in fields.values.items():
        values[_plain(name)] = values.get(_plain(name), ()) + texts
    last = {name: texts[-1].strip() for name, texts in values.items() if texts[-1].strip()}
    if "model" not in last:
        raise BadField(
            "model", "The field 'model' is missing: name a base model, a custom model or whisper-1."
        )
    response_format = _response_format(last.get("response_format", "json"))
    stream = _boolean("stream", last.get("stream", "false"))
    if stream and response_format not in _STREAMED:
        raise BadField("stream", f"'{response_format}' cannot be streamed: choose json or text.")
    granularities = frozenset(_granularity(text) for text in values.get(_GRANULARITIES, ()))
    if granularities and response_format != "verbose_json":
        raise BadField(_GRANULARITIES, f"{_GRANULARITIES} needs the response_format verbose_json.")
    return TranscriptionRequest(
        model=last["model"],
        language=last.get("language"),
        response_format=response_format,
        granularities=granularities or frozenset({"segment"}),
        stream=stream,
        warnings=tuple(_warnings(last)),
    )


def _plain(name: str) -> str:
    return name.partition("[")[0]


def _warnings(given: dict[str, str]) -> list[str]:
    warnings = [text for name, text in _WITHOUT_EFFECT.items() if name in given]
    if _temperature(given.get("temperature", "0")):
        warnings.append("temperature has no effect: the likeliest words are always searched for.")
    unknown = sorted(name[:_LONGEST_SHOWN] for name in given.keys() - _KNOWN)
    return [*warnings, *([f"Unknown fields: {', '.join(unknown[:10])}."] if unknown else [])]


def _response_format(text: str) -> Format:
    for known in get_args(Format):
        if text == known:
            return known  # type: ignore[no-any-return]  # one of the literals
    raise _invalid("response_format", text, f"one of {', '.join(get_args(Format))}")


def _granularity(text: str) -> Granularity:
    match text.strip():
        case "word":
            return "word"
        case "segment":
            return "segment"
    raise _invalid(_GRANULARITIES, text, "word or segment")


def _boolean(name: str, text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise _invalid(name, text, "true or false")
    return text.lower() == "true"


def _temperature(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise _invalid("temperature", text, "a number from 0 to 1")
    return value


def _invalid(name: str, value: str, expected: str) -> BadField:
    return BadField(
        name, f"Invalid value '{value[:_LONGEST_SHOWN]}' for field '{name}': it must be {expected}."
    )
