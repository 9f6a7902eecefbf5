"""What an uploaded resource holds: format, duration and speech of each recording, or what is wrong."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Literal

from chalicelib.audio import completeness, content_types, decoding
from chalicelib.audio.archives import archive_members, documents
from chalicelib.audio.archives.archive_members import ArchiveError, ArchiveLimits, Member
from chalicelib.audio.content_types import ContentType, ContentTypeError
from chalicelib.audio.decoding import AudioDecoder, DecodingLimits
from chalicelib.audio.errors import AudioError, Mixed, RateTooLow, Undecodable
from chalicelib.audio.speech.speech_detection import SpeechDetector

Status = Literal["ok", "invalid"]
DetailsType = Literal["audio", "archive", "undetermined"]

_HEAD_BYTES = 4096
_MAX_OPEN_MEMBERS = 4
"""Unpacked members wait in memory, up to 16 MiB each."""


@dataclass(frozen=True)
class RecordingInspection:
    """What was found out about one recording."""

    name: str
    """Path inside the archive; empty for a plain recording."""
    status: Status
    details_type: DetailsType
    duration_s: float = 0.0
    """Exact, of what could be decoded."""
    speech_s: float = 0.0
    codec: str | None = None
    """As FFmpeg spells it."""
    frequency_hz: int | None = None
    channels: int | None = None
    error: str | None = None
    """Why it is invalid and what to do about it, for the user to read."""


@dataclass(frozen=True)
class Inspection:
    """What was found out about an uploaded resource."""

    status: Status
    details_type: DetailsType
    duration_s: float = 0.0
    """Exact; of an archive the sum over its members."""
    speech_s: float = 0.0
    codec: str | None = None
    """As FFmpeg spells it; of a recording only."""
    frequency_hz: int | None = None
    channels: int | None = None
    """Of a recording only."""
    compression: str | None = None
    """`zip` or `gzip`; of an archive only."""
    error: str | None = None
    """Why it is invalid and what to do about it, for the user to read."""
    members: tuple[RecordingInspection, ...] = ()
    """Of an archive, in its order."""
    left_out: tuple[str, ...] = ()
    """Names of an archive's members that are plainly no audio."""


def inspect(
    path: Path,
    content_type: str | None,
    contained_content_type: str | None,
    *,
    min_rate_hz: int,
    limits: DecodingLimits | None = None,
    archive_limits: ArchiveLimits | None = None,
) -> Inspection:
    """Decode an uploaded resource from start to end and say what it is. What is wrong is told, never raised.

    Args:
        path: the uploaded bytes.
        content_type: as the client sent it; None: to be sniffed.
        contained_content_type: of the members of an archive, as the client sent it; ignored for a recording.
        min_rate_hz: lowest sampling rate that the base model takes.
        limits: for each recording.
        archive_limits: for an archive as a whole.

    Raises:
        OSError: the file cannot be read, or the disk is full.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    archive_limits = archive_limits or ArchiveLimits()
    criteria = _Criteria(min_rate_hz, limits or DecodingLimits(), time.monotonic() + archive_limits.time_s)
    try:
        said = content_types.of_resource(content_type, head)
        if said.kind == "archive":
            criteria = replace(criteria, contained=content_types.of_members(contained_content_type))
    except ContentTypeError as error:
        return Inspection("invalid", "undetermined", error=str(error))
    if said.kind == "archive":
        seen = content_types.sniff(head)
        if seen is None or seen.essence != said.essence:
            return Inspection("invalid", "undetermined", error=_wrong_archive(said, seen))
        return _inspect_archive(path, said, criteria, archive_limits)
    with path.open("rb", buffering=0) as file:
        found = _inspect_recording("", file, said, criteria)
    return Inspection(
        found.status,
        found.details_type,
        duration_s=found.duration_s,
        speech_s=found.speech_s,
        codec=found.codec,
        frequency_hz=found.frequency_hz,
        channels=found.channels,
        error=found.error,
    )


@dataclass(frozen=True)
class _LeftOut:
    """A member of an archive that is plainly no audio."""

    name: str


@dataclass(frozen=True)
class _Criteria:
    """What every recording is held against."""

    min_rate_hz: int
    limits: DecodingLimits
    members_until_s: float
    """When an archive is given up, however many members are left, on the monotonic clock."""
    contained: ContentType | None = None


def _inspect_recording(
    name: str, file: BinaryIO, said: ContentType | None, criteria: _Criteria
) -> RecordingInspection:
    try:
        with decoding.opened(file, said, limits=criteria.limits) as decoder:
            return _measured(name, file, decoder, criteria.min_rate_hz)
    except AudioError as error:
        return RecordingInspection(name, "invalid", "undetermined", error=str(error))


def _measured(name: str, file: BinaryIO, decoder: AudioDecoder, min_rate_hz: int) -> RecordingInspection:
    rate_hz, recorded_hz = decoder.format.rate_hz, decoder.format.recorded_hz
    error = str(RateTooLow(recorded_hz, min_rate_hz)) if recorded_hz < min_rate_hz else None
    # Nothing is looked for in audio that cannot be used: a rate of 1 Hz would be blown up 8000 times.
    detector = SpeechDetector(rate_hz) if error is None else None
    speech_s = 0.0
    try:
        for samples in decoder.blocks():
            if detector is not None:
                speech_s += sum(stretch.duration_s for stretch in detector.feed(samples))
    except AudioError as failure:
        error = error or _failed(failure, decoder)
    if detector is not None:
        speech_s += sum(stretch.duration_s for stretch in detector.finish())
    if error is None and decoder.frames == 0:
        error = "The audio is empty: it has no samples. Export and upload it again."
    if error is None:
        error = completeness.shortfall(file, decoder)
    return RecordingInspection(
        name,
        "ok" if error is None else "invalid",
        "audio",
        duration_s=decoder.frames / rate_hz,
        speech_s=speech_s,
        codec=decoder.format.codec,
        frequency_hz=recorded_hz,
        channels=decoder.format.channels,
        error=error,
    )


def _failed(failure: AudioError, decoder: AudioDecoder) -> str:
    if isinstance(failure, Mixed) or not isinstance(failure, Undecodable) or decoder.frames == 0:
        return str(failure)
    return completeness.damaged_after(decoder.frames / decoder.format.rate_hz)


def _inspect_archive(
    path: Path, said: ContentType, criteria: _Criteria, archive_limits: ArchiveLimits
) -> Inspection:
    found: list[RecordingInspection] = []
    left_out: list[str] = []
    error = None
    try:
        for member in _inspected_members(path, criteria, archive_limits):
            if isinstance(member, _LeftOut):
                left_out.append(member.name)
            else:
                found.append(member)
    except ArchiveError as failure:
        error = str(failure)
    if error is None and not found:
        error = "The archive holds no audio. Pack it again with the recordings."
    if error is None:
        error = _bad_members([member for member in found if member.status == "invalid"])
    return Inspection(
        "ok" if error is None else "invalid",
        "archive",
        duration_s=sum(member.duration_s for member in found),
        speech_s=sum(member.speech_s for member in found),
        compression=said.compression,
        error=error,
        members=tuple(found),
        left_out=tuple(left_out),
    )


def _inspected_members(
    path: Path, criteria: _Criteria, archive_limits: ArchiveLimits
) -> Iterator[RecordingInspection | _LeftOut]:
    """Inspect members side by side while the next ones are unpacked, and yield them in their order."""
    cores = os.cpu_count() or 1
    running: deque[Future[RecordingInspection | _LeftOut]] = deque()
    with ThreadPoolExecutor(cores, thread_name_prefix="inspect") as threads:
        try:
            for member in archive_members.unpacked(path, limits=archive_limits):
                running.append(threads.submit(_inspect_member, member, criteria))
                if len(running) > min(cores, _MAX_OPEN_MEMBERS):
                    yield running.popleft().result()
        except ArchiveError:
            while running:
                yield running.popleft().result()
            raise
        while running:
            yield running.popleft().result()


def _inspect_member(member: Member, criteria: _Criteria) -> RecordingInspection | _LeftOut:
    if member.file is None:
        return RecordingInspection(member.name, "invalid", "undetermined", error=member.error)
    with member.file as file:
        if documents.is_document_file(member.name, file):
            return _LeftOut(member.name)
        problem = _member_problem(file, criteria.contained)
        if problem is not None:
            return RecordingInspection(member.name, "invalid", "undetermined", error=problem)
        time_s = min(criteria.limits.time_s, criteria.members_until_s - time.monotonic())
        in_time = replace(criteria, limits=replace(criteria.limits, time_s=time_s))
        return _inspect_recording(member.name, file, criteria.contained, in_time)


def _member_problem(file: BinaryIO, contained: ContentType | None) -> str | None:
    if contained is None or contained.describes_itself:
        seen = content_types.sniff(file.read(_HEAD_BYTES))
        if seen is not None and seen.kind == "archive":
            return "This member is an archive itself. Pack its recordings directly into this archive."
        if seen is None and contained is None:
            return (
                "The format of this member could not be detected. Take it out if it is no audio. "
                "If it is audio without a header, name its format in Contained-Content-Type."
            )
    return None


def _bad_members(invalid: list[RecordingInspection]) -> str | None:
    if not invalid:
        return None
    names = ", ".join(f"'{member.name}'" for member in invalid[:3])
    more = f" and {len(invalid) - 3} more" if len(invalid) > 3 else ""
    reasons = {member.error for member in invalid}
    # One reason for all is most often not of the recordings, but of the model or the format that was named.
    why = f" Each for the same reason: {reasons.pop()}" if len(invalid) > 1 and len(reasons) == 1 else ""
    out = "" if why else " Correct them or leave them out, and upload the archive again."
    return f"Invalid members: {names}{more}.{why}{out}"


def _wrong_archive(said: ContentType, seen: ContentType | None) -> str:
    if seen is None:
        return (
            f"This is no {said.essence} file. Pack the audio as .zip or .tar.gz, and send the matching type."
        )
    return f"This was sent as {said.essence}, but it is {seen.essence}. Send it again with that Content-Type."
