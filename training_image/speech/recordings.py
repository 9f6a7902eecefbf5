"""From an uploaded recording or archive to utterances on disk, with a reason for whatever is left out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio import content_types, decoding
from chalicelib.audio.archives import archive_members, documents
from chalicelib.audio.archives.archive_entries import ArchiveError, ArchiveLimits
from chalicelib.audio.content_types import ContentType, ContentTypeError
from chalicelib.audio.errors import AudioError
from chalicelib.audio.speech.speech_detection import SpeechDetector, Stretch
from training_image.plan import PlannedRecording
from training_image.speech.segmentation import SpeechSpan, quietest_place, utterance_spans
from training_image.speech.utterances import SAMPLE_BYTES, Utterance

_FULL_SCALE = 32768
_MOST_TIME_S = 2 * 3600.0
"""For one resource. What was uploaded has been inspected with tighter limits; this only ends what hangs."""
_LIMITS = decoding.DecodingLimits(time_s=_MOST_TIME_S)


@dataclass(frozen=True)
class LeftOutAudio:
    """Audio that is not learned from, and why."""

    audio_name: str
    member: str | None
    """Path inside the archive; None for a plain recording, or for the archive as a whole."""
    start_s: float | None
    """None: the whole of it."""
    end_s: float | None
    reason: str


@dataclass(frozen=True)
class PreparedAudio:
    """What one or several audio resources hold."""

    utterances: tuple[Utterance, ...] = ()
    digests: tuple[bytes, ...] = ()
    """SHA-256 of each utterance's samples."""
    left_out: tuple[LeftOutAudio, ...] = ()
    audio_s: float = 0.0
    speech_s: float = 0.0
    recordings: int = 0
    """How many there were, those that were left out included."""


def together(parts: Iterable[PreparedAudio]) -> PreparedAudio:
    """Return the sum of several parts, in their order."""
    parts = list(parts)
    return PreparedAudio(
        utterances=tuple(utterance for part in parts for utterance in part.utterances),
        digests=tuple(digest for part in parts for digest in part.digests),
        left_out=tuple(entry for part in parts for entry in part.left_out),
        audio_s=sum(part.audio_s for part in parts),
        speech_s=sum(part.speech_s for part in parts),
        recordings=sum(part.recordings for part in parts),
    )


def prepare(
    recording: PlannedRecording,
    file: Path,
    scratch_file: Path,
    rate_hz: int,
    least_rate_hz: int | None = None,
) -> PreparedAudio:
    """Decode an audio resource into a scratch file, in blocks, and cut it into utterances.

    Recordings of a lower rate than `least_rate_hz`, which is `rate_hz` unless given, are refused.

    Audio that cannot be read or holds no speech is left out with its reason.

    Raises:
        OSError: the disk is full or not writable.
    """
    parts = []
    with scratch_file.open("w+b") as scratch:
        try:
            for source in _sources(recording, file):
                if source.file is None:
                    parts.append(_nothing(recording.audio_name, source.member, source.error))
                    continue
                where = _RecordingPlace(
                    recording.audio_name, source.member, scratch_file, rate_hz, least_rate_hz
                )
                parts.append(_prepare_one(where, source.file, source.content_type, scratch))
        except FileNotFoundError as error:
            if error.filename != str(file):
                raise
            parts.append(_nothing(recording.audio_name, None, "The uploaded audio is not there any more."))
        except (ArchiveError, ContentTypeError) as error:
            parts.append(_nothing(recording.audio_name, None, str(error)))
    return replace(together(parts), recordings=len(parts))


@dataclass(frozen=True)
class _RecordingSource:
    """One recording of a resource."""

    member: str | None
    file: BinaryIO | None
    content_type: ContentType | None = None
    """None: to be detected."""
    error: str = ""
    """Why there is no file."""


@dataclass(frozen=True)
class _RecordingPlace:
    """Which recording, and where its samples go."""

    audio_name: str
    member: str | None
    scratch_file: Path
    rate_hz: int
    least_rate_hz: int | None


def _sources(recording: PlannedRecording, file: Path) -> Iterator[_RecordingSource]:
    if recording.kind == "audio":
        content_type = content_types.parse(recording.content_type)
        with file.open("rb") as source:
            yield _RecordingSource(None, source, content_type)
        return
    content_type_of_all = content_types.of_members(recording.contained_content_type)
    for member in archive_members.members(file, limits=ArchiveLimits(time_s=_MOST_TIME_S)):
        if member.file is not None and documents.is_document_file(member.name, member.file):
            continue
        yield _RecordingSource(member.name, member.file, content_type_of_all, member.error or "")


def _prepare_one(
    where: _RecordingPlace, source: BinaryIO, content_type: ContentType | None, scratch: BinaryIO
) -> PreparedAudio:
    start_bytes = scratch.tell()
    detector = SpeechDetector(where.rate_hz)
    speech: list[Stretch] = []
    total = 0
    try:
        for samples in decoding.resampled(
            source, content_type, where.rate_hz, min_rate_hz=where.least_rate_hz, limits=_LIMITS
        ):
            scratch.write(_pcm(samples).tobytes())
            total += len(samples)
            speech += detector.feed(samples)
    except (AudioError, ContentTypeError) as error:
        _cut_back(scratch, start_bytes)
        return _nothing(where.audio_name, where.member, str(error))
    speech += detector.finish()
    audio_s = total / where.rate_hz
    if not speech:
        _cut_back(scratch, start_bytes)
        return _nothing(where.audio_name, where.member, "No speech was found.", audio_s=audio_s)
    scratch.flush()
    stretches = [
        SpeechSpan(round(each.start_s * where.rate_hz), round(each.end_s * where.rate_hz)) for each in speech
    ]
    first = start_bytes // SAMPLE_BYTES

    def quietest(span: SpeechSpan) -> int:
        return span.start + quietest_place(_read(where.scratch_file, first, span), where.rate_hz)

    spans = utterance_spans(stretches, total, where.rate_hz, quietest)
    return PreparedAudio(
        utterances=tuple(_utterance(where, span, first) for span in spans),
        digests=tuple(
            hashlib.sha256(_read(where.scratch_file, first, span).tobytes()).digest() for span in spans
        ),
        audio_s=audio_s,
        speech_s=sum(each.duration_s for each in speech),
    )


def _cut_back(scratch: BinaryIO, size_bytes: int) -> None:
    scratch.seek(size_bytes)
    scratch.truncate()


def _pcm(samples: NDArray[np.float32]) -> NDArray[np.int16]:
    return np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")


def _read(scratch_file: Path, first: int, span: SpeechSpan) -> NDArray[np.int16]:
    return np.fromfile(scratch_file, "<i2", count=span.length, offset=(first + span.start) * SAMPLE_BYTES)


def _utterance(where: _RecordingPlace, span: SpeechSpan, first: int) -> Utterance:
    return Utterance(
        audio_name=where.audio_name,
        member=where.member,
        start_s=span.start / where.rate_hz,
        end_s=span.end / where.rate_hz,
        path=where.scratch_file,
        rate_hz=where.rate_hz,
        offset_frames=first + span.start,
        frames=span.length,
    )


def _nothing(audio_name: str, member: str | None, reason: str, *, audio_s: float = 0.0) -> PreparedAudio:
    return PreparedAudio(left_out=(LeftOutAudio(audio_name, member, None, None, reason),), audio_s=audio_s)
