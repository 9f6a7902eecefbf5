"""Audio of a custom acoustic model: take in, judge, replace, remove; the model's status follows each step."""

from __future__ import annotations

import json
import logging
import uuid
from dataclasses import dataclass
from typing import Any, Literal

from chalicelib.customization import acoustic_models, limits
from chalicelib.customization import acoustic_statuses as statuses
from chalicelib.customization.acoustic_models import now
from chalicelib.customization.errors import (
    AudioBusy,
    AudioExists,
    BadName,
    Busy,
    UnknownAudio,
)
from chalicelib.storage import failures, layout, objects
from chalicelib.storage.conditional import (
    Change,
    Condition,
    ConditionFailed,
    Contended,
    Delete,
    Put,
    Update,
    write,
)
from chalicelib.storage.tables import AcousticModel, AudioResource

_log = logging.getLogger(__name__)

BEING_PROCESSED = "being_processed"
OK = "ok"
INVALID = "invalid"

_ATTEMPTS = 50
"""How often a step is judged anew because somebody else changed the model's audio meanwhile."""


@dataclass(frozen=True)
class Analysis:
    """What the analysis of an upload has found."""

    valid: bool
    details_type: Literal["audio", "archive", "undetermined"]
    codec: str | None = None
    frequency_hz: int | None = None
    compression: Literal["zip", "gzip"] | None = None
    duration_s: float = 0.0
    speech_s: float = 0.0
    error: str | None = None
    """Why it is invalid, for its user, with the way out."""


@dataclass(frozen=True)
class Accepted:
    """An upload that the tables know of; its object comes next."""

    audio: AudioResource
    replaced: AudioResource | None

    @property
    def key(self) -> layout.AudioKey:
        """Where the upload's object belongs."""
        return key_of(self.audio)


def key_of(audio: AudioResource) -> layout.AudioKey:
    """Return where the bytes and the listing of a resource lie."""
    return layout.AudioKey(audio.owner, audio.customization_id, audio.audio_id, audio.upload_id)


def of_model(model: AcousticModel) -> list[AudioResource]:
    """Return the resources of a model in the order in which they were first added."""
    rows = AudioResource.query(model.customization_id, consistent_read=True)
    return sorted(
        (row for row in rows if row.generation == model.generation),
        key=lambda row: (row.created, row.audio_name),
    )


def get(model: AcousticModel, audio_name: str) -> AudioResource:
    """Return one resource.

    Raises:
        UnknownAudio: the model has none of that name.
    """
    audio = _find(model, audio_name)
    if audio is None:
        raise UnknownAudio(audio_name)
    return audio


def members(audio: AudioResource) -> list[dict[str, Any]]:
    """Return what the analysis wrote about an archive's members; empty while there is nothing yet."""
    try:
        listing = json.loads(objects.get(key_of(audio).listing_key))
    except objects.ObjectNotFound:
        return []
    found: list[dict[str, Any]] = listing["members"]
    return found


def check_acceptable(model: AcousticModel, audio_name: str, *, allow_overwrite: bool) -> AudioResource | None:
    """Tell whether the model takes audio of that name now; returns the resource that it would replace.

    Raises:
        BadName: the name is empty or longer than 128 characters.
        Busy: the model is training or upgrading.
        AudioBusy: a resource of that name is being analysed.
        AudioExists: there is one already, and `allow_overwrite` is False.
    """
    if not audio_name.strip():
        raise BadName(audio_name, "it is empty")
    if len(audio_name) > limits.NAME_CHARACTERS:
        raise BadName(audio_name, f"it has more than {limits.NAME_CHARACTERS} characters")
    if not statuses.allowed(model, statuses.AUDIO_ACCEPTED):
        raise Busy(model.customization_id)
    existing = _find(model, audio_name)
    if existing is not None and existing.status == BEING_PROCESSED:
        raise AudioBusy(audio_name)
    if existing is not None and not allow_overwrite:
        raise AudioExists(audio_name)
    return existing


def accept(
    model: AcousticModel,
    audio_name: str,
    *,
    kind: Literal["audio", "archive"],
    content_type: str | None,
    contained_content_type: str | None = None,
    size_bytes: int,
    customer_id: str | None = None,
    allow_overwrite: bool = False,
) -> Accepted:
    """Write the row of an upload; the model waits for its analysis. The object must follow, else `withdraw`.

    Raises:
        BadName, Busy, AudioBusy, AudioExists: see `check_acceptable`.
    """
    for _ in range(_ATTEMPTS):
        existing = check_acceptable(model, audio_name, allow_overwrite=allow_overwrite)
        moment = now()
        audio = AudioResource(
            model.customization_id,
            layout.audio_id(audio_name),
            owner=model.owner,
            audio_name=audio_name,
            generation=int(model.generation),
            upload_id=uuid.uuid4().hex,
            kind=kind,
            content_type=content_type,
            contained_content_type=contained_content_type,
            status=BEING_PROCESSED,
            size_bytes=size_bytes,
            created=moment,
            updated=moment,
            customer_id=customer_id,
        )
        try:
            write(
                Put(audio, _unclaimed(model, existing)),
                statuses.audio_accepted(model, audio.upload_id, moment),
            )
        except ConditionFailed:
            model = acoustic_models.get(model.owner, model.customization_id)
            continue
        return Accepted(audio, existing)
    raise Contended


def _unclaimed(model: AcousticModel, existing: AudioResource | None) -> Condition:
    """Hold while nobody else has taken the name: as judged, or left over from before a reset."""
    if existing is not None:
        condition: Condition = AudioResource.upload_id == existing.upload_id
        condition &= AudioResource.status != BEING_PROCESSED
    else:
        condition = AudioResource.audio_id.does_not_exist()
        condition |= AudioResource.generation < int(model.generation)
    return condition


def withdraw(accepted: Accepted) -> None:
    """Take an upload back whose object could not be stored: what it replaced is there again."""
    audio, replaced = accepted.audio, accepted.replaced
    this_upload: Condition = AudioResource.upload_id == audio.upload_id
    change: Change = Delete(audio, this_upload) if replaced is None else Put(replaced, this_upload)
    _leave(audio, change, replaced is not None and replaced.status == OK)
    # The store may have it although it said no. Without its row it wakes nobody.
    _clean(accepted.key)


def stored(accepted: Accepted) -> None:
    """The upload's object is there: what it replaced can go."""
    if accepted.replaced is not None:
        _clean(key_of(accepted.replaced))


def _clean(key: layout.AudioKey) -> None:
    """Remove an upload's objects; one that cannot be removed now does no harm without its row."""
    try:
        objects.delete(key.key, key.listing_key)
    except failures.FAILURES:
        _log.warning("could not remove %s", key.key, exc_info=True)


def analysis_finished(
    owner: str, customization_id: str, audio_id: str, upload_id: str, analysis: Analysis
) -> bool:
    """Record what the analysis of an upload found; the model becomes pending or ready with the last one.

    May be called twice, late, or for uploads that were replaced or removed meanwhile: it then returns False.
    """
    model = acoustic_models.find(owner, customization_id)
    audio = _row(customization_id, audio_id)
    if model is None or audio is None or audio.upload_id != upload_id or audio.status != BEING_PROCESSED:
        return False
    moment = now()
    actions = [
        AudioResource.status.set(OK if analysis.valid else INVALID),
        AudioResource.details_type.set(analysis.details_type),
        AudioResource.duration_s.set(analysis.duration_s),
        AudioResource.speech_s.set(analysis.speech_s),
        AudioResource.updated.set(moment),
    ]
    for attribute, value in (
        (AudioResource.codec, analysis.codec),
        (AudioResource.compression, analysis.compression),
        (AudioResource.error, analysis.error),
    ):
        actions.append(attribute.remove() if value is None else attribute.set(value))
    frequency_hz = analysis.frequency_hz
    actions.append(
        AudioResource.frequency_hz.remove()
        if frequency_hz is None
        else AudioResource.frequency_hz.set(frequency_hz)
    )
    judged = Update(
        audio,
        (AudioResource.upload_id == upload_id) & (AudioResource.status == BEING_PROCESSED),
        actions,
    )
    return _leave(audio, judged, analysis.valid)


def _leave(audio: AudioResource, change: Change, valid: bool) -> bool:
    """End the analysis of an upload together with `change` of its row; False when it had ended before."""
    for _ in range(_ATTEMPTS):
        model = acoustic_models.find(audio.owner, audio.customization_id)
        if model is None or audio.upload_id not in (model.analysing or ()):
            return False
        if len(model.analysing or ()) > 1:
            ended = statuses.analysis_ended(model, audio.upload_id, now())
        else:
            any_valid = valid or _any_valid(model, but=audio.audio_id)
            ended = statuses.last_analysis_ended(model, audio.upload_id, any_valid, now())
        try:
            write(change, ended)
        except ConditionFailed:
            row = _row(audio.customization_id, audio.audio_id)
            if row is None or row.upload_id != audio.upload_id or row.status != BEING_PROCESSED:
                return False
            continue
        return True
    raise Contended


def remove(model: AcousticModel, audio_name: str) -> None:
    """Remove a resource, and its analysis if that still goes on.

    Raises:
        Busy: the model is training or upgrading.
        UnknownAudio: the model has none of that name.
    """
    for _ in range(_ATTEMPTS):
        if not statuses.allowed(model, statuses.AUDIO_REMOVED):
            raise Busy(model.customization_id)
        audio = get(model, audio_name)
        removed = statuses.audio_removed(model, audio.upload_id, _any_valid(model, but=audio.audio_id), now())
        try:
            write(Delete(audio, AudioResource.upload_id == audio.upload_id), removed)
        except ConditionFailed:
            model = acoustic_models.get(model.owner, model.customization_id)
            continue
        _clean(key_of(audio))
        return
    raise Contended


def _any_valid(model: AcousticModel, but: str) -> bool:
    return any(audio.status == OK and audio.audio_id != but for audio in of_model(model))


def _row(customization_id: str, audio_id: str) -> AudioResource | None:
    try:
        return AudioResource.get(customization_id, audio_id, consistent_read=True)
    except AudioResource.DoesNotExist:
        return None


def _find(model: AcousticModel, audio_name: str) -> AudioResource | None:
    row = _row(model.customization_id, layout.audio_id(audio_name))
    return row if row is not None and row.generation == model.generation else None
