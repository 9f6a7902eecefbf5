"""`attune add`: recordings, folders and archives for a custom acoustic model."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from attune_cli import custom_models
from attune_cli.client import LONG_PATIENCE_S, Service, path
from attune_cli.custom_models import ACOUSTIC
from attune_cli.errors import Away, CommandError, NothingFound, Partly
from attune_cli.invocation import Invocation, invoked
from attune_cli.screen import Screen, counted, minutes, size
from attune_cli.upload import recordings, sending, validation
from attune_cli.upload.journal import UploadJournal
from attune_cli.upload.parcels import Parcel
from attune_cli.upload.plan import planned

_SHOWN_FILES = 3
_TRIES = 3


@dataclass
class _AddingRun:
    """One run of the command."""

    service: Service
    customization_id: str
    screen: Screen
    journal: UploadJournal
    parallel: int
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Audio, or what was meant to be, and reasons."""
    no_audio: list[tuple[str, str]] = field(default_factory=list)
    """Files that are plainly something else."""

    def send(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Send parcels; returns those that were taken."""
        if not parcels:
            return []
        total_bytes = sum(parcel.size_bytes for parcel in parcels)
        files = sum(len(parcel.recordings) for parcel in parcels)
        what = f"Sending {counted(files, 'file')}, {size(total_bytes)}"
        if not self.screen.is_terminal:
            self.screen.note(what)
        self.journal.planned(parcels)
        with self.screen.bar(what, total_bytes, of_bytes=True) as bar:
            refused = sending.sent(self.service, self.customization_id, parcels, bar, parallel=self.parallel)
        for one in refused:
            self.left_out += [(str(recording.file), one.reason) for recording in one.parcel.recordings]
        untaken = {one.parcel.name for one in refused}
        return [parcel for parcel in parcels if parcel.name not in untaken]

    def forget(self, names: Sequence[str]) -> None:
        """Delete resources that others stand in place of."""
        for name in names:
            with contextlib.suppress(NothingFound):
                self.service.call(
                    "DELETE",
                    path(ACOUSTIC, self.customization_id, "audio", name),
                    accepted=frozenset({400}),  # it is gone already
                )

    def validate(self, parcels: list[Parcel]) -> int:
        """Wait for the service's look at parcels; what it cannot use is taken out, and the rest sent anew.

        Returns:
            How many files were taken out.
        """
        taken_out = tries = 0
        while parcels:
            with self.screen.bar(
                f"The service looks at {counted(len(parcels), 'upload')}", len(parcels)
            ) as bar:
                resources = validation.awaited(self.service, self.customization_id, parcels, bar)
            found = validation.findings(self.service, self.customization_id, parcels, resources)
            for parcel, reason in found.broken:
                way = "" if parcel.packed else " Correct the archive and send it with --again."
                self.left_out.append((str(parcel.recordings[0].file), f"{reason}{way}"))
            self.left_out += [(str(one.file), reason) for one, reason in found.refused]
            taken_out += len(found.refused)
            self.journal.refused(found.refused, "")
            if found.repacked:
                self.screen.note("Sending again without what the service cannot use …")
            if found.lost:
                self.screen.note("Sending again what the service has lost …")
            again = found.lost if tries < _TRIES else []
            if found.lost and not again:
                raise Away("The service loses what it is sent.", "Run the same command again later.")
            tries += 1
            parcels = self.send([*found.repacked, *again])
            self.forget(found.outdated)
        return taken_out


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="PATH…"
)
@click.option(
    "--model", "-m", help="Name or id of the custom acoustic model; not needed if there is one only."
)
@click.option(
    "--type", "bare_type", metavar="TYPE", help="What files without a header are, as 'audio/l16;rate=8000'."
)
@click.option(
    "--pack/--each", default=None, help="Recordings in archives, or each by itself; archives from 20 on."
)
@click.option("--again", is_flag=True, help="Send everything anew, in place of what was sent before.")
@click.option("--wait/--no-wait", default=True, help="Wait for the service's look at the audio; the default.")
@click.option(
    "--parallel", type=click.IntRange(1, 32), default=4, show_default=True, help="How many at once."
)
@invoked
def add(
    invocation: Invocation,
    *,
    paths: tuple[Path, ...],
    model: str | None,
    bare_type: str | None,
    pack: bool | None,
    again: bool,
    wait: bool,
    parallel: int,
) -> None:
    """Add recordings, folders of them and archives to a custom acoustic model.

    Folders are walked. What is no audio is left out, with the reason. After a break the same command goes on
    where it stopped. What the service cannot use is taken out again, so that training is not refused for it.
    """
    service = invocation.service(LONG_PATIENCE_S)
    customization_id = custom_models.found(service, model)
    journal = UploadJournal(service.credentials.url, customization_id)
    files = list(recordings.found(paths, bare_type))
    plan = planned(service, customization_id, files, journal, pack=pack, again=again, bare_type=bare_type)
    upload = _AddingRun(service, customization_id, invocation.screen, journal, parallel)
    upload.left_out += [(str(one.file), one.reason) for one in plan.left_out if one.is_audio]
    upload.no_audio += [(str(one.file), one.reason) for one in plan.left_out if not one.is_audio]
    if plan.already:
        invocation.screen.note(f"{counted(plan.already, 'file')} there already.")
    for name in plan.doubled:
        invocation.screen.warn(
            f"What was sent before of files that have changed stays in the archive {name!r}."
        )
    taken = upload.send(plan.to_send)
    upload.forget(plan.outdated)
    taken_out = upload.validate([*plan.there, *taken]) if wait else 0
    sent = max(0, sum(len(parcel.recordings) for parcel in taken) - taken_out)
    _tell(invocation.screen, upload, sent, plan.already)


def _tell(screen: Screen, upload: _AddingRun, sent: int, already: int) -> None:
    model = custom_models.shown(upload.service, upload.customization_id)
    listing = upload.service.get(path(ACOUSTIC, upload.customization_id, "audio"))
    total_s = 60 * float(listing["total_minutes_of_audio"])
    left_out = [*upload.no_audio, *upload.left_out]
    answer: dict[str, Any] = {
        "customization_id": upload.customization_id,
        "status": model["status"],
        "sent": sent,
        "already_there": already,
        "left_out": [{"file": file, "reason": reason} for file, reason in left_out],
        "total_minutes_of_audio": listing["total_minutes_of_audio"],
    }
    for line in _grouped(left_out):
        screen.warn(line)
    if not sent and not already:
        screen.show(answer)
        raise CommandError("No recording was added.", "Which files are audio, docs/audio.md says.")
    enough = "" if total_s >= 600 else "; training needs 10 minutes"
    screen.show(
        answer,
        f"{counted(sent, 'file')} sent. {model['name']!r} has {minutes(total_s)} of audio{enough}, "
        f"and is {model['status']}.",
    )
    if upload.left_out:
        raise Partly(f"{counted(len(upload.left_out), 'recording')} left out, for the reasons above.")


def _grouped(left_out: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each reason, however many files it has."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for file, reason in left_out:
        reasons[reason].append(file)
    lines = []
    for reason, files in reasons.items():
        named = ", ".join(files[:_SHOWN_FILES])
        more = f" and {len(files) - _SHOWN_FILES:,} more" if len(files) > _SHOWN_FILES else ""
        lines.append(f"Left out: {named}{more}: {reason}")
    return lines


COMMANDS = (add,)
