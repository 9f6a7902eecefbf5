"""Copies custom acoustic models: audio resources from local files with their names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attune_cli import custom_models
from attune_cli.client import Service, path
from attune_cli.custom_models import ACOUSTIC
from attune_cli.screen import Screen, counted, size
from attune_cli.upload import recordings, sending, validation
from attune_cli.upload.parcels import Parcel
from attune_cli.upload.recordings import LeftOutFile, RecordingFile
from attune_cli.watson.ledger import BROUGHT, FAILED, MISSING, Ledger, Model
from attune_cli.watson.local_files import AUDIO, LocalFiles

_BARE = {"pcm_s16le": "audio/l16", "pcm_mulaw": "audio/mulaw", "pcm_alaw": "audio/alaw"}
_PARALLEL = 4
_TRIES = 3


class NoFile(Exception):
    """A resource has no file that could be sent; the text says why."""


def bring(
    source: Service, target: Service, ledger: Ledger, model: Model, *, files: LocalFiles, screen: Screen
) -> None:
    """Send the audio resources of a model that local files have, and note those that none has."""
    there = {one["name"]: one["status"] for one in custom_models.audio_of(target, model.target_id)}
    parcels: list[Parcel] = []
    waiting: list[Parcel] = []
    for one in source.get(path(ACOUSTIC, model.source_id, "audio"))["audio"]:
        name = str(one["name"])
        if model.is_brought(AUDIO, name):
            continue
        try:
            parcel = _parcel(name, one.get("details") or {}, files.of(AUDIO, name, model.name))
        except NoFile as reason:
            model.set(AUDIO, name, MISSING, str(reason))
            continue
        (waiting if there.get(name) in ("ok", "being_processed") else parcels).append(parcel)
    ledger.keep()
    for _ in range(_TRIES):
        waiting += _sent(target, model, parcels, screen)
        if not waiting:
            break
        with screen.bar(f"{model.name}: the service looks at the audio", len(waiting)) as bar:
            resources = validation.awaited(target, model.target_id, waiting, bar)
        parcels = _lost(target, model, waiting, resources)
        waiting = []
        ledger.keep()
    ledger.keep()


def _sent(target: Service, model: Model, parcels: list[Parcel], screen: Screen) -> list[Parcel]:
    """Send parcels, and note those that are refused; returns the others."""
    if not parcels:
        return []
    total_bytes = sum(parcel.size_bytes for parcel in parcels)
    what = f"{model.name}: sending {counted(len(parcels), 'resource')}, {size(total_bytes)}"
    if not screen.is_terminal:
        screen.note(what)
    with screen.bar(what, total_bytes, of_bytes=True) as bar:
        refused = sending.sent(target, model.target_id, parcels, bar, parallel=_PARALLEL)
    for refusal in refused:
        model.set(AUDIO, refusal.parcel.name, FAILED, refusal.reason)
    gone = {refusal.parcel.name for refusal in refused}
    return [parcel for parcel in parcels if parcel.name not in gone]


def _lost(target: Service, model: Model, parcels: list[Parcel], resources: dict[str, Any]) -> list[Parcel]:
    """Note what the service makes of parcels; returns those that it has lost and is to be sent again."""
    lost = []
    for parcel in parcels:
        if resources.get(parcel.name, {}).get("status") == "ok":
            model.set(AUDIO, parcel.name, BROUGHT)
            continue
        listing = target.get(path(ACOUSTIC, model.target_id, "audio", parcel.name))
        error = str(listing.get("container", listing).get("error") or "the service cannot use it")
        model.set(AUDIO, parcel.name, FAILED, error)
        if validation.LOST in error:
            lost.append(parcel)
    return lost


def _parcel(name: str, details: dict[str, Any], found: Path | None) -> Parcel:
    """Return what is sent as a resource.

    Raises:
        NoFile: nothing can be.
    """
    if found is None:
        raise NoFile("audio is not given back, and no local file or folder has its name")
    bare = _bare_type(details)
    inside = list(recordings.found([found], bare))
    sound = [one for one in inside if isinstance(one, RecordingFile)]
    if not sound:
        reason = next((one.reason for one in inside if isinstance(one, LeftOutFile)), "is an empty folder")
        raise NoFile(f"{found} {reason}")
    if found.is_dir():
        return Parcel(name, tuple(sound), packed=True, replaces=True)
    return Parcel(name, (sound[0],), packed=False, replaces=True)


def _bare_type(details: dict[str, Any]) -> str | None:
    """Return the content type of bare samples by what the source found out about them."""
    kind = _BARE.get(str(details.get("codec", "")))
    return f"{kind};rate={details['frequency']}" if kind and details.get("frequency") else None
