"""What a recognition request asks for: read, checked, frozen.

`parse` reads a query. `from_message` reads the JSON of a WebSocket's `start` or of a form's `metadata`, on
top of what the query, or the connection's last `start`, said. Both give the `Options` and the warnings to
answer with. `Options.to_json` and `Options.from_json` take the options from process to process.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from chalicelib.engines.catalogue import DEFAULT_BASE_MODEL, NEXT_GENERATION
from chalicelib.recognition.request import keyword_forms, languages, parameters
from chalicelib.recognition.request.parameter_kinds import shown
from chalicelib.recognition.request.parameters import AVERAGED, SEPARATE, Interface

MAX_ALTERNATIVES = 100
"""Asking for more is no error; nobody gets more."""
LOW_LATENCY_PAUSE_S = 0.4
"""The pause that ends an utterance with `low_latency`, unless a length is given."""

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


class InvalidOption(ValueError):
    """A parameter's value cannot be read, or lies outside its range."""

    def __init__(self, parameter: str, value: object, expected: str) -> None:
        super().__init__(f"Invalid value '{shown(value)}' for parameter '{parameter}': it must be {expected}")
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
    """What is to be done; names and defaults are Watson's.

    What one parameter does to another is settled: with `redaction`, for instance, `smart_formatting` is true.
    """

    model: str = DEFAULT_BASE_MODEL
    """As it was asked for, which may be an alias."""
    base_model_version: str | None = None
    acoustic_customization_id: str | None = None
    acoustic_customization_version: int | None = None
    """None: the current one."""
    language_customization_id: str | None = None
    customization_weight: float | None = None
    grammar_name: str | None = None
    timestamps: bool = False
    word_confidence: bool = False
    max_alternatives: int = 1
    end_of_phrase_silence_time: float = 0.8
    """Seconds of pause that end an utterance."""
    split_transcript_at_phrase_end: bool = False
    keywords: tuple[str, ...] = ()
    """As they were written; with some, `keywords_threshold` is set."""
    keywords_threshold: float | None = None
    word_alternatives_threshold: float | None = None
    profanity_filter: bool = True
    smart_formatting: bool = False
    written: bool = False
    """Whether each alternative also has the text as the engine writes it."""
    redaction: bool = False
    speaker_labels: bool = False
    audio_metrics: bool = False
    speech_detector_sensitivity: float = 0.5
    background_audio_suppression: float = 0.0
    channels: str = AVERAGED
    """`AVERAGED`, or `SEPARATE`: each channel is recognised by itself."""
    inactivity_timeout: int = 30
    """Seconds; -1: never. Concerns audio that is still being sent."""
    interim_results: bool = False
    processing_metrics: bool = False
    processing_metrics_interval: float = 1.0
    """Seconds."""
    low_latency: bool = False
    character_insertion_bias: float = 0.0
    """-1 to 1; above 0 longer readings are preferred, below 0 shorter ones."""

    @property
    def separate(self) -> bool:
        """Each channel is recognised by itself."""
        return self.channels == SEPARATE

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads; all of it is JSON."""
        return dataclasses.asdict(self) | {"keywords": list(self.keywords)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_json` returned; names that this version does not know are ignored."""
        known = {one.name for one in dataclasses.fields(cls)} & values.keys()
        read = {name: values[name] for name in known}
        if "keywords" in read:
            read["keywords"] = tuple(read["keywords"])
        return cls(**read)


@dataclass(frozen=True)
class Parsed:
    """The options, and what the user should know about those that were not followed."""

    options: Options = field(default_factory=Options)
    warnings: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """The values read, before they were settled; `from_message` goes on from them."""


NOTHING = Parsed()


def parse(query: Mapping[str, Sequence[str]], interface: Interface = "sync") -> Parsed:
    """Read the decoded query arguments; of one that is repeated the last counts.

    Raises:
        InvalidOption: a value cannot be read or is out of range; says which, and the range.
        MalformedGuid: a customization id is not a GUID.
        OptionsConflict: a parameter lacks the one that it needs, or excludes another one given.
    """
    last = {name: values[-1] for name, values in query.items() if values}
    readable, unknown, too_new = _sorted_out(
        last, parameters.QUERY[interface], parameters.READ_ELSEWHERE[interface], last.get("model")
    )
    given = _read(last, readable)
    warnings = [*_warning("Unknown url query arguments", unknown), *_warning("Unknown arguments", too_new)]
    return _parsed(given, given, warnings, interface)


def from_message(
    message: Mapping[str, Any], previous: Parsed = NOTHING, interface: Interface = "websocket"
) -> Parsed:
    """Read the JSON object of a `start` message, or of the `metadata` of a form (`interface="multipart"`).

    Args:
        message: values as `json.loads` returns them; numbers and booleans may also be text. A null puts
            the parameter back to its default.
        previous: what `parse` read from the query, or this function from the connection's last `start`; what
            the message does not name stays as it was.
        interface: where it came in.

    Raises:
        InvalidOption, OptionsConflict: as `parse`. The model cannot be changed by a message.
    """
    readable, unknown, too_new = _sorted_out(
        message,
        parameters.MESSAGE[interface],
        parameters.MESSAGE_READ_ELSEWHERE[interface],
        previous.given.get("model"),
    )
    nulls = {name for name in readable if message[name] is None}
    changes = _read(message, [name for name in readable if name not in nulls])
    kept = {name: value for name, value in previous.given.items() if name not in nulls}
    warnings = _warning("Unknown arguments", sorted({*unknown, *too_new}))
    return _parsed(kept | changes, changes, warnings, interface)


def _sorted_out(
    values: Mapping[str, object], known: Collection[str], elsewhere: Collection[str], model: object
) -> tuple[list[str], list[str], list[str]]:
    """Return the names to be read, those that nobody knows, and those that the model is too old for."""
    too_new = parameters.NEXT_GENERATION_ONLY if model not in NEXT_GENERATION else frozenset()
    return (
        [name for name in values if name in known and name not in too_new],
        sorted(name for name in values if name not in known and name not in elsewhere),
        sorted(name for name in values if name in known and name in too_new),
    )


def _read(values: Mapping[str, object], names: Iterable[str]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for name in names:
        kind = parameters.KINDS[name]
        try:
            read[name] = kind.read(values[name])
        except ValueError:
            raise InvalidOption(name, values[name], kind.expected) from None
    _settle_alias(read)
    for name in ("acoustic_customization_id", "language_customization_id"):
        if name in read and not is_guid(read[name]):
            raise MalformedGuid(read[name])
    return read


def is_guid(text: str) -> bool:
    """Return whether a text can be the id of a custom model."""
    return _GUID.fullmatch(text) is not None


def _settle_alias(values: dict[str, Any]) -> None:
    """Let the deprecated `customization_id` mean `language_customization_id`."""
    alias = values.pop("customization_id", None)
    if alias is not None and values.setdefault("language_customization_id", alias) != alias:
        raise OptionsConflict(
            "customization_id and language_customization_id name different models: give only "
            "language_customization_id"
        )


def _parsed(
    given: dict[str, Any], new: Mapping[str, Any], warnings: list[str], interface: Interface
) -> Parsed:
    _check_dependencies(given)
    ignored = [name for name in parameters.NOT_SUPPORTED[interface] if new.get(name)]
    warnings += _warning("Not supported over HTTP and ignored", ignored)
    model = given.get("model", DEFAULT_BASE_MODEL)
    warnings += languages.warnings(new, model)
    unheard = keyword_forms.unheard(new.get("keywords", ()), english=languages.is_english(model))
    warnings += _warning("Keywords that no words can match", unheard)
    return Parsed(_settled(given, interface), tuple(warnings), MappingProxyType(given))


def _check_dependencies(values: Mapping[str, Any]) -> None:
    if values.get("keywords") and "keywords_threshold" not in values:
        raise OptionsConflict("keywords_threshold must be set if keywords list is not empty")
    if "acoustic_customization_version" in values and "acoustic_customization_id" not in values:
        raise OptionsConflict(
            "acoustic_customization_version needs acoustic_customization_id, the model that has the version"
        )
    if "customization_weight" in values and "language_customization_id" not in values:
        raise OptionsConflict("Cannot specify customization weight when not using customization.")
    if "grammar_name" in values and "language_customization_id" not in values:
        raise OptionsConflict("grammar_name needs language_customization_id, the model that has the grammar")


def _settled(given: Mapping[str, Any], interface: Interface) -> Options:
    """Return the options that follow from what was given; see docs/recognition.md."""
    values = {name: value for name, value in given.items() if name not in parameters.NOT_SUPPORTED[interface]}
    if "max_alternatives" in values:
        values["max_alternatives"] = min(max(values["max_alternatives"], 1), MAX_ALTERNATIVES)
    if values.get("end_of_phrase_silence_time") == 0.0:
        del values["end_of_phrase_silence_time"]
    if values.get("low_latency"):
        values.setdefault("end_of_phrase_silence_time", LOW_LATENCY_PAUSE_S)
    if values.get("speaker_labels"):
        values["timestamps"] = True
    if values.get("redaction"):
        # Nothing may show the digits that the transcript hides.
        values |= {"smart_formatting": True, "keywords": (), "max_alternatives": 1, "interim_results": False}
        values |= {"keywords_threshold": None, "word_alternatives_threshold": None}
    return Options(**languages.settled(values, values.get("model", DEFAULT_BASE_MODEL)))


def _warning(beginning: str, names: Collection[str]) -> list[str]:
    return [f"{beginning}: {', '.join(names)}."] if names else []
