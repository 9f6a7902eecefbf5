"""Audio of a custom acoustic model: take in, judge, replace, remove; the model's status follows each step."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from chalicelib.customization import statuses, training_ends, uploads
from chalicelib.customization.custom_models import now
from chalicelib.customization.errors import ModelBusy, ResourceBusy, ResourceExists, UnknownResource
from chalicelib.customization.uploads import BEING_PROCESSED
from chalicelib.storage import layout, objects
from chalicelib.storage.conditional import Change
from chalicelib.storage.tables import AcousticModel, AudioResource

AUDIO = "audio"
OK = "ok"
INVALID = "invalid"
MOST_NAMES_LEFT_OUT = 100

Accepted = uploads.Accepted[AudioResource]


@dataclass(frozen=True)
class AudioAnalysis:
    """What the analysis of an upload has found."""

    valid: bool
    details_type: Literal["audio", "archive", "undetermined"]
    codec: str | None = None
    frequency_hz: int | None = None
    channels: int | None = None
    compression: Literal["zip", "gzip"] | None = None
    duration_s: float = 0.0
    speech_s: float = 0.0
    error: str | None = None
    """Why it is invalid, for its user, with the way out."""


def _any_other_valid(model: AcousticModel, resource_id: str | None) -> bool:
    return any(audio.status == OK and audio.audio_id != resource_id for audio in of_model(model))


def _told(
    model: AcousticModel, audio: AudioResource, valid: bool, any_valid: bool, moment: datetime
) -> Sequence[Change]:
    return training_ends.validated(model, audio, valid=valid, any_valid=any_valid, moment=moment)


KIND = uploads.UploadKind(
    model=AcousticModel,
    resource=AudioResource,
    key=layout.AudioKey,
    accepted=statuses.AUDIO_ACCEPTED,
    removed=statuses.AUDIO_REMOVED,
    ok=OK,
    any_other_valid=_any_other_valid,
    told=_told,
)


def key_of(audio: AudioResource) -> layout.UploadKey:
    """Return where the bytes and the listing of a resource lie."""
    return KIND.key_of(audio)


def of_model(model: AcousticModel) -> list[AudioResource]:
    """Return the resources of a model in the order in which they were added."""
    return uploads.of_model(KIND, model)


def get(model: AcousticModel, audio_name: str) -> AudioResource:
    """Return one resource.

    Raises:
        UnknownResource: the model has none of that name.
    """
    audio = uploads.find(KIND, model, layout.resource_id(audio_name))
    if audio is None:
        raise UnknownResource(AUDIO, audio_name)
    return audio


@dataclass(frozen=True)
class ArchiveListing:
    """What an analysis found in an archive."""

    members: Sequence[dict[str, Any]] = ()
    """Its recordings, in their order."""
    left_out: Sequence[str] = ()
    """Names of what is no audio, up to `MOST_NAMES_LEFT_OUT`."""
    left_out_count: int = 0

    def to_json(self) -> bytes:
        """Return what `listing` reads."""
        return json.dumps(dataclasses.asdict(self)).encode()


def listing(audio: AudioResource) -> ArchiveListing:
    """Return what the analysis wrote about an archive; empty while there is nothing yet."""
    try:
        found: dict[str, Any] = json.loads(objects.get(key_of(audio).listing_key))
    except objects.ObjectNotFound:
        return ArchiveListing()
    return ArchiveListing(**found)


def check_acceptable(model: AcousticModel, audio_name: str, *, allow_overwrite: bool) -> AudioResource | None:
    """Tell whether the model takes audio of that name now; returns the resource that it would replace.

    Raises:
        BadName: the name is empty or longer than 128 characters.
        ModelBusy: the model is training or upgrading.
        ResourceBusy: a resource of that name is being analysed.
        ResourceExists: there is one already, and `allow_overwrite` is False.
    """
    uploads.check_name(AUDIO, audio_name)
    if not statuses.allowed(model, statuses.AUDIO_ACCEPTED):
        raise ModelBusy(model.customization_id)
    existing = uploads.find(KIND, model, layout.resource_id(audio_name))
    if existing is not None and existing.status == BEING_PROCESSED:
        raise ResourceBusy(AUDIO, audio_name)
    if existing is not None and not allow_overwrite:
        raise ResourceExists(AUDIO, audio_name)
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
        BadName, Busy, ResourceBusy, ResourceExists: see `check_acceptable`.
    """

    def judge(model: AcousticModel) -> AudioResource | None:
        return check_acceptable(model, audio_name, allow_overwrite=allow_overwrite)

    def make(model: AcousticModel, moment: datetime) -> AudioResource:
        return AudioResource(
            model.customization_id,
            layout.resource_id(audio_name),
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

    return uploads.accept(KIND, model, judge, make)


def withdraw(accepted: Accepted) -> None:
    """Take an upload back whose object could not be stored: what it replaced is there again."""
    uploads.withdraw(KIND, accepted)


def stored(accepted: Accepted) -> None:
    """The upload's object is there: what it replaced can go."""
    uploads.stored(KIND, accepted)


def analysis_finished(
    owner: str, customization_id: str, audio_id: str, upload_id: str, analysis: AudioAnalysis
) -> bool:
    """Record what the analysis of an upload found; the model becomes pending or ready with the last one.

    May be called twice, late, or for uploads that were replaced or removed meanwhile: it then returns False.
    """
    audio = uploads.being_analysed(KIND, layout.AudioKey(owner, customization_id, audio_id, upload_id))
    if audio is None:
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
    for number, found in (
        (AudioResource.frequency_hz, analysis.frequency_hz),
        (AudioResource.channels, analysis.channels),
    ):
        actions.append(number.remove() if found is None else number.set(found))
    return uploads.end(KIND, audio, uploads.judged(audio, actions), analysis.valid)


def remove(model: AcousticModel, audio_name: str) -> None:
    """Remove a resource, and its analysis if that still goes on.

    Raises:
        ModelBusy: the model is training or upgrading.
        UnknownResource: the model has none of that name.
    """
    uploads.remove(KIND, model, lambda current: get(current, audio_name))
