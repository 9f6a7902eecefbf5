"""Waits until the service has checked what was sent, and removes what it cannot use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from attune_cli.client import Service, path
from attune_cli.custom_models import ACOUSTIC, audio_of
from attune_cli.screen import Bar
from attune_cli.upload import parcels as packing
from attune_cli.upload.parcels import Parcel
from attune_cli.upload.recordings import RecordingFile

_FIRST_LOOK_S = 0.2
_LONGEST_PAUSE_S = 3.0
_PROCESSED = "being_processed"
LOST = "did not arrive completely"
"""What the service says of an upload whose row it wrote and whose bytes it never got."""


@dataclass
class Findings:
    """What the service made of parcels.

    Attributes:
        refused: recordings that it cannot use, and why.
        broken: the user's own archives that it cannot use as they are, with what is wrong.
        repacked: archives without the members that were refused, to be sent in place of the first ones.
        outdated: resources that hold refused recordings, to be deleted.
        lost: parcels that the service has promised to keep and has lost, for instance when it was killed.
    """

    refused: list[tuple[RecordingFile, str]] = field(default_factory=list)
    broken: list[tuple[Parcel, str]] = field(default_factory=list)
    repacked: list[Parcel] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    lost: list[Parcel] = field(default_factory=list)


def awaited(service: Service, customization_id: str, parcels: Sequence[Parcel], bar: Bar) -> dict[str, Any]:
    """Wait until none of the parcels is being looked at; returns the resources by name."""
    pause_s = _FIRST_LOOK_S
    mine = {parcel.name for parcel in parcels}
    while True:
        resources = {one["name"]: one for one in audio_of(service, customization_id)}
        waiting = sum(resources[name]["status"] == _PROCESSED for name in mine & resources.keys())
        bar.at(len(mine) - waiting)
        if not waiting:
            return resources
        service.pause(pause_s)
        pause_s = min(_LONGEST_PAUSE_S, 1.5 * pause_s)


def findings(
    service: Service, customization_id: str, parcels: Sequence[Parcel], resources: dict[str, Any]
) -> Findings:
    """Return what the service cannot use of the parcels, and what would help."""
    found = Findings()
    for parcel in parcels:
        resource = resources.get(parcel.name)
        if resource is None or resource["status"] != "invalid":
            continue
        first = parcel.recordings[0]
        listing = service.get(path(ACOUSTIC, customization_id, "audio", parcel.name))
        shown = listing.get("container", listing)
        reason = str(shown.get("error") or "the service gives no reason")
        if LOST in reason:
            found.lost.append(replace(parcel, replaces=True))
            continue
        if not parcel.packed and not first.is_archive:
            found.refused.append((first, reason))
            found.outdated.append(parcel.name)
            continue
        invalid = {
            str(member["name"]): str(member.get("error") or "the service gives no reason")
            for member in listing.get("audio", ())
            if member["status"] == "invalid"
        }
        if not parcel.packed or not invalid:
            found.broken.append((parcel, reason))
            continue
        found.refused += [(one, invalid[one.name]) for one in parcel.recordings if one.name in invalid]
        found.outdated.append(parcel.name)
        left = packing.without(parcel, set(invalid))
        if left is not None:
            found.repacked.append(left)
    return found
