"""The plan: what to train, from which base, on which recordings."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal, cast

from training_image.failures import JobFailed

Kind = Literal["audio", "archive"]
_KINDS = ("audio", "archive")


class PlanInvalid(JobFailed):
    """plan.json is not what this image understands."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            f"The training plan is invalid: {problem}. Train again; if it fails again, tell the operator."
        )


@dataclass(frozen=True)
class PlannedRecording:
    """An audio resource of the model: a recording or an archive of recordings."""

    audio_name: str
    file: str
    """Path below the audio channel."""
    kind: Kind
    content_type: str
    contained_content_type: str | None
    """Content type of an archive's members; None when each says it itself."""


@dataclass(frozen=True)
class TrainingPlan:
    """What one training job has to do."""

    customization_id: str
    run: int
    base_version: str
    engine: str
    recordings: tuple[PlannedRecording, ...]
    fingerprint: str
    """Changes with the plan's contents: what was computed for another plan is of no use for this one."""
    language_model: str | None = None
    """Artefact of the helper language model, a path below the language channel."""
    base_weights: str | None = None
    """Where the weights in the base channel come from; None: they come with the engine, without a channel."""
    rate_hz: int | None = None
    """What the engine hears; None: what the catalogue of this image says."""
    least_rate_hz: int | None = None
    """What a recording must have at least; None: what the catalogue of this image says."""
    language: str | None = None
    """Code of the language that the base is told; None: it knows one only."""


def parse_plan(text: str | bytes) -> TrainingPlan:
    """Read a plan.

    Raises:
        PlanInvalid: something is missing, has the wrong type or points outside the audio channel; the message
            names it.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise PlanInvalid("it is not JSON") from None
    if not isinstance(document, dict):
        raise PlanInvalid("it is not an object")
    run = document.get("run")
    if not isinstance(run, int) or isinstance(run, bool) or run < 0:
        raise PlanInvalid("run must be a whole number, 0 or more")
    entries = document.get("recordings")
    if not isinstance(entries, list) or not entries:
        raise PlanInvalid("recordings must be a list with at least one entry")
    recordings = tuple(_recording(entry, f"recordings[{index}]") for index, entry in enumerate(entries))
    names: set[str] = set()
    for recording in recordings:
        if recording.audio_name in names:
            raise PlanInvalid(f"recordings name {recording.audio_name!r} twice")
        names.add(recording.audio_name)
    return TrainingPlan(
        customization_id=_text(document, "customization_id", ""),
        run=run,
        base_version=_text(document, "base_version", ""),
        engine=_text(document, "engine", ""),
        recordings=recordings,
        language_model=_language_model(document),
        base_weights=_optional_text(document, "base_weights"),
        rate_hz=_optional_rate(document, "rate_hz"),
        least_rate_hz=_optional_rate(document, "least_rate_hz"),
        language=_optional_text(document, "language"),
        fingerprint=hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest(),
    )


def _recording(entry: object, where: str) -> PlannedRecording:
    if not isinstance(entry, dict):
        raise PlanInvalid(f"{where} must be an object")
    kind = _text(entry, "kind", where)
    if kind not in _KINDS:
        raise PlanInvalid(f"{where}.kind must be 'audio' or 'archive', not {kind!r}")
    file = _text(entry, "file", where)
    if not _is_inside(file):
        raise PlanInvalid(f"{where}.file must be a path inside the audio channel")
    contained = entry.get("contained_content_type")
    if contained is not None:
        contained = _text(entry, "contained_content_type", where)
    return PlannedRecording(
        audio_name=_text(entry, "audio_name", where),
        file=file,
        kind=cast(Kind, kind),
        content_type=_text(entry, "content_type", where),
        contained_content_type=contained,
    )


def _language_model(document: dict[str, Any]) -> str | None:
    file = _optional_text(document, "language_model")
    if file is not None and not _is_inside(file):
        raise PlanInvalid("language_model must be a path inside the language channel")
    return file


def _optional_text(document: dict[str, Any], name: str) -> str | None:
    return None if document.get(name) is None else _text(document, name, "")


def _optional_rate(document: dict[str, Any], name: str) -> int | None:
    value = document.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value <= 0):
        raise PlanInvalid(f"{name} must be a whole number above 0")
    return value


def _is_inside(file: str) -> bool:
    path = PurePosixPath(file)
    return not path.is_absolute() and ".." not in path.parts and bool(path.parts) and "\0" not in file


def _text(document: dict[str, Any], name: str, where: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise PlanInvalid(f"{where}.{name} must be a text".lstrip("."))
    return value
