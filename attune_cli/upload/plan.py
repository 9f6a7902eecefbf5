"""What of the files found is sent, and what the service has already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from attune_cli.client import Service, path
from attune_cli.custom_models import ACOUSTIC, audio_of
from attune_cli.upload import parcels
from attune_cli.upload.journal import UploadJournal, key
from attune_cli.upload.parcels import Parcel
from attune_cli.upload.recordings import LeftOutFile, RecordingFile

_PARALLEL = 8


@dataclass
class UploadPlan:
    """What is to be done.

    Attributes:
        to_send: in order.
        there: what the service has of it, sent from here before.
        already: how many files it has.
        left_out: files that are not sent.
        outdated: archives of an earlier run whose files are all sent anew.
        doubled: archives of an earlier run of whose files some are sent anew: these are there twice.
    """

    to_send: list[Parcel] = field(default_factory=list)
    there: list[Parcel] = field(default_factory=list)
    already: int = 0
    left_out: list[LeftOutFile] = field(default_factory=list)
    outdated: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)


def planned(
    service: Service,
    customization_id: str,
    files: Iterable[RecordingFile | LeftOutFile],
    journal: UploadJournal,
    *,
    pack: bool | None,
    again: bool,
    bare_type: str | None = None,
) -> UploadPlan:
    """Compare files with what the service has.

    Args:
        service: it.
        customization_id: of the model.
        files: what was found.
        journal: what was sent from here.
        pack: whether recordings go into archives; None: if they are many.
        again: send everything anew.
        bare_type: the content type of what has no header, in the user's archives too.
    """
    plan = UploadPlan()
    resources = {one["name"]: one for one in audio_of(service, customization_id)}
    fresh: list[RecordingFile] = []
    unknown: list[RecordingFile] = []
    former: set[str] = set()
    before: dict[tuple[str, bool], list[RecordingFile]] = defaultdict(list)
    for one in files:
        if isinstance(one, LeftOutFile):
            plan.left_out.append(one)
            continue
        entry = journal.of(one)
        if entry is None:
            (fresh if again else unknown).append(one)
        elif again or not entry.is_of(one):
            fresh.append(one)
            former |= {entry.resource} & resources.keys() if entry.packed and not one.is_archive else set()
        elif entry.refused:
            reason = f"the service cannot use it: {entry.refused}"
            plan.left_out.append(LeftOutFile(one.file, reason, is_audio=True))
        elif entry.resource in resources:
            before[entry.resource, entry.packed and not one.is_archive].append(one)
            plan.already += 1
        else:
            fresh.append(one)
    perhaps = [one for one in unknown if not journal.is_others(one, parcels.resource_name(one))]
    known = _known(service, customization_id, list(resources.values()), perhaps)
    plan.already += len(known)
    fresh = sorted([*fresh, *(one for one in unknown if one not in known)], key=lambda one: one.name)
    plan.there = [Parcel(name, tuple(group), packed) for (name, packed), group in before.items()]
    own = {entry.resource for one in fresh if (entry := journal.of(one)) is not None}
    taken = journal.single() - own
    made = parcels.packed(fresh, pack=pack, of_archives=bare_type or "", taken=taken)
    plan.to_send = [replace(one, replaces=again or one.name in own) for one in made]
    anew = {key(one) for one in fresh}
    for name in sorted(former - {one.name for one in plan.to_send}):
        (plan.outdated if journal.files_in(name) <= anew else plan.doubled).append(name)
    return plan


def _known(
    service: Service, customization_id: str, resources: list[dict[str, Any]], unknown: list[RecordingFile]
) -> set[RecordingFile]:
    """Return those not sent from here that the service has by name: by themselves or in an archive."""
    if not unknown:
        return set()
    archives = [one["name"] for one in resources if one["details"].get("type") == "archive"]
    single = {one["name"] for one in resources}

    def members(name: str) -> list[str]:
        listing = service.get(path(ACOUSTIC, customization_id, "audio", name))
        return [member["name"] for member in listing.get("audio", ())]

    with ThreadPoolExecutor(_PARALLEL) as pool:
        inside = {member for listed in pool.map(members, archives) for member in listed}
    return {one for one in unknown if one.name in inside or parcels.resource_name(one) in single}
