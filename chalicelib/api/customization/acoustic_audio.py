"""`/v1/acoustic_customizations/{customization_id}/audio`: the audio of custom acoustic models."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http import bodies, parameters
from chalicelib.api.http.calls import Answer, Call
from chalicelib.api.http.errors import BadRequest
from chalicelib.api.http.routing import Routes
from chalicelib.audio import content_types
from chalicelib.customization import acoustic_models, limits, uploads
from chalicelib.customization.acoustic import audio_resources
from chalicelib.customization.acoustic.audio_resources import ArchiveListing
from chalicelib.sharing import usage
from chalicelib.storage.tables import AudioResource

routes = Routes()

_ALL_AUDIO = "/acoustic_customizations/{customization_id}/audio"
_AUDIO = "/acoustic_customizations/{customization_id}/audio/{audio_name}"
_NAMES_SHOWN = 5


@routes.route("POST", _AUDIO)
def add_audio(call: Call, customization_id: str, audio_name: str) -> Answer:
    """Take in an audio file or an archive; it is analysed afterwards."""
    body = bodies.read(call, limits.AUDIO_BYTES)
    allow_overwrite = parameters.boolean(call, "allow_overwrite", default=False)
    customer_id = bodies.customer_id(call, body)
    model = acoustic_models.get(call.owner, customization_id)
    audio_resources.check_acceptable(model, audio_name, allow_overwrite=allow_overwrite)
    content_types.of_resource_header(body.content_type)
    usage.check(call.owner)
    if body.pending:
        return Answer(204)
    if body.size_bytes == 0:
        raise BadRequest("Audio file not specified or empty")
    content_type = content_types.of_resource(body.content_type, body.head())
    contained = None
    if content_type.kind == "archive":
        contained = call.headers.get("contained-content-type") or None
        content_types.of_members(contained)
    accepted = audio_resources.accept(
        model,
        audio_name,
        kind=content_type.kind,
        content_type=str(content_type),
        contained_content_type=contained,
        size_bytes=body.size_bytes,
        customer_id=customer_id,
        allow_overwrite=allow_overwrite,
    )
    with uploads.storing(audio_resources.KIND, accepted) as key:
        body.store(key.key)
    body.discard()
    return Answer(201, {})


@routes.route("GET", _ALL_AUDIO)
def list_audio(call: Call, customization_id: str) -> dict[str, Any]:
    """List the audio of a model, in the order in which it was added."""
    resources = audio_resources.of_model(acoustic_models.get(call.owner, customization_id))
    valid_s = sum(float(audio.duration_s) for audio in resources if audio.status == audio_resources.OK)
    listing: dict[str, Any] = {
        "total_minutes_of_audio": round(valid_s / 60, 2),
        "audio": [_shown(audio) for audio in resources],
    }
    return parameters.with_warning(call, listing)


@routes.route("GET", _AUDIO)
def get_audio(call: Call, customization_id: str, audio_name: str) -> dict[str, Any]:
    """Show one resource; an archive with its members."""
    audio = audio_resources.get(acoustic_models.get(call.owner, customization_id), audio_name)
    if audio.kind == "audio":
        return parameters.with_warning(call, _shown(audio))
    listing = audio_resources.listing(audio)
    container = _shown(audio)
    if listing.left_out_count:
        container["warning"] = _no_audio(listing)
    return parameters.with_warning(
        call, {"container": container, "audio": [_member_shown(member) for member in listing.members]}
    )


@routes.route("DELETE", _AUDIO)
def delete_audio(call: Call, customization_id: str, audio_name: str) -> dict[str, Any]:
    """Remove a resource; an archive is removed as a whole."""
    audio_resources.remove(acoustic_models.get(call.owner, customization_id), audio_name)
    return {}


def _no_audio(listing: ArchiveListing) -> str:
    names = ", ".join(f"'{name}'" for name in listing.left_out[:_NAMES_SHOWN])
    more = listing.left_out_count - min(_NAMES_SHOWN, len(listing.left_out))
    return f"Left out, as they are no audio: {names}{f' and {more} more' if more else ''}."


def _shown(audio: AudioResource) -> dict[str, Any]:
    return _resource(
        name=audio.audio_name,
        status=audio.status,
        duration_s=audio.duration_s,
        speech_s=audio.speech_s,
        details=_details(
            audio.details_type, audio.codec, audio.frequency_hz, audio.channels, audio.compression
        ),
        error=audio.error,
    )


def _member_shown(member: dict[str, Any]) -> dict[str, Any]:
    return _resource(
        name=member["name"],
        status=member["status"],
        duration_s=member.get("duration_s") or 0.0,
        speech_s=member.get("speech_s") or 0.0,
        details=_details(
            member.get("details_type"),
            member.get("codec"),
            member.get("frequency_hz"),
            member.get("channels"),
            None,
        ),
        error=member.get("error"),
    )


def _resource(
    *, name: str, status: str, duration_s: float, speech_s: float, details: dict[str, Any], error: str | None
) -> dict[str, Any]:
    """Return Watson's object, with our `speech_seconds` and, if it is invalid, `error`."""
    shown = {
        "duration": round(duration_s),
        "name": name,
        "details": details,
        "status": status,
        "speech_seconds": round(speech_s, 1),
    }
    if error:
        shown["error"] = error
    return shown


def _details(
    kind: str | None,
    codec: str | None,
    frequency_hz: float | None,
    channels: float | None,
    compression: str | None,
) -> dict[str, Any]:
    """Return Watson's object, with our `channels`."""
    if kind is None:
        return {}
    details: dict[str, Any] = {"type": kind}
    if kind == "audio":
        details |= {"codec": codec, "frequency": _whole(frequency_hz), "channels": _whole(channels)}
    if kind == "archive":
        details["compression"] = compression
    return {key: value for key, value in details.items() if value is not None}


def _whole(number: float | None) -> int | None:
    return None if number is None else int(number)
