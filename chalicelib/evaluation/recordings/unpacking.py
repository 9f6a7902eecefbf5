"""Reads the archive of a test set: each utterance with its transcript, and what is wrong with the others."""

from __future__ import annotations

import hashlib
import shutil
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chalicelib.audio import content_types, inspection
from chalicelib.audio.archives import archive_members
from chalicelib.audio.archives.archive_members import ArchiveError, Member
from chalicelib.audio.content_types import ContentType
from chalicelib.audio.decoding import DecodingLimits
from chalicelib.audio.errors import NARROWBAND_HZ
from chalicelib.evaluation import limits
from chalicelib.evaluation.recordings import matching, transcripts
from chalicelib.evaluation.recordings.listing import ListedUtterance
from chalicelib.evaluation.recordings.transcripts import ReferenceTranscript, TranscriptFinding
from chalicelib.recognition.audio import recordings

_HEAD_BYTES = 4096
_WIDEBAND_HZ = 16_000
"""Parts of a recording are kept at this rate, or at their own if that is lower: models take no more."""
_MARGIN_S = 0.05
"""A part may end so much behind the end of its recording: tables round."""
_TIME_S = 540.0
"""For a whole archive: a function that reads one has twelve minutes."""

Keep = Callable[[int, Path], None]
"""Takes an utterance's number, and a file with its audio."""


@dataclass
class UnpackedTestSet:
    """What an archive holds."""

    utterances: list[ListedUtterance] = field(default_factory=list)
    findings: list[TranscriptFinding] = field(default_factory=list)
    decoded_s: float = 0.0
    """Audio that was decoded."""
    least_rate_hz: int | None = None
    """Of the recordings."""
    error: str | None = None
    """Why none of it can be used, for its user to read."""

    @property
    def duration_s(self) -> float:
        """Audio of all utterances."""
        return sum(one.duration_s for one in self.utterances)


class _Full(Exception):
    """The set holds more than it may."""


def read(path: Path, contained: str | None, owner: str, keep: Keep) -> UnpackedTestSet:
    """Read an archive. What is wrong is told, never raised.

    Args:
        path: the archive.
        contained: content type of the recordings; None: they say it themselves.
        owner: whose it is.
        keep: stores the audio of an utterance.

    Raises:
        OSError: the archive cannot be read, or the disk is full.
        sharing.held.TooMuchHeld: the owner's recordings take more room than they may.
    """
    found, until_s = UnpackedTestSet(), time.monotonic() + _TIME_S
    try:
        said, names = _texts(path, found.findings)
        chosen, findings = matching.matched(said, names)
        found.findings += findings
        _ArchiveReader(found, content_types.of_members(contained), owner, keep, until_s).read(path, chosen)
    except (ArchiveError, _Full, content_types.ContentTypeError) as error:
        found.error = str(error)
    if found.error is None and not found.utterances:
        found.error = (
            "There is no recording with a transcript in this archive. Pack recordings, each with a text "
            "beside it (call.wav, call.txt) or all with a table (CSV, TSV, JSONL or STM)."
        )
    return found


def _texts(path: Path, findings: list[TranscriptFinding]) -> tuple[list[ReferenceTranscript], list[str]]:
    """Return all transcripts, and the names of the other files."""
    said: list[ReferenceTranscript] = []
    names: list[str] = []
    left_bytes = limits.TRANSCRIPTS_BYTES
    for member in archive_members.members(path, limits=archive_members.ArchiveLimits(time_s=_TIME_S)):
        if member.file is None:
            findings.append(TranscriptFinding(member.name, member.error or ""))
        elif not transcripts.is_text(member.name):
            names.append(member.name)
        else:
            data = member.file.read(left_bytes + 1)
            left_bytes -= len(data)
            if left_bytes < 0:
                raise _Full("The transcripts have more than 32 MB. Split the test set into several.")
            for one in transcripts.read(member.name, data):
                said.append(one) if isinstance(one, ReferenceTranscript) else findings.append(one)
    return said, names


class _ArchiveReader:
    """Goes through the recordings of an archive."""

    def __init__(
        self, found: UnpackedTestSet, contained: ContentType | None, owner: str, keep: Keep, until_s: float
    ) -> None:
        self._found = found
        self._contained = contained
        self._owner = owner
        self._keep = keep
        self._until_s = until_s
        self._seen: dict[bytes, str] = {}

    def read(self, path: Path, chosen: dict[str, list[ReferenceTranscript]]) -> None:
        """Take every recording that has transcripts."""
        file = path.with_name("recording")
        left_s = self._until_s - time.monotonic()
        for member in archive_members.members(path, limits=archive_members.ArchiveLimits(time_s=left_s)):
            if member.name in chosen and member.file is not None:
                if time.monotonic() > self._until_s:
                    raise _Full("The recordings could not be read in time. Split the test set into several.")
                message = self._recording(member, file, chosen[member.name])
                if message is not None:
                    self._found.findings.append(TranscriptFinding(member.name, message))

    def _recording(self, member: Member, file: Path, said: Sequence[ReferenceTranscript]) -> str | None:
        """Take one recording; returns why it was left out."""
        assert member.file is not None
        with file.open("wb") as target:
            shutil.copyfileobj(member.file, target)
        with file.open("rb") as source:
            head = source.read(_HEAD_BYTES)
            source.seek(0)
            digest = hashlib.file_digest(source, "sha256").digest()
        kind = self._contained or content_types.sniff(head)
        if kind is None or kind.kind != "audio":
            return (
                "This is no audio of a format that is known, and was left out. Convert it, for instance to "
                "WAV or FLAC."
            )
        if (other := self._seen.setdefault(digest, member.name)) != member.name:
            return f"This is the same audio as {other}, and was left out. Keep one of them."
        limit = DecodingLimits(duration_s=limits.AUDIO_S, time_s=self._until_s - time.monotonic())
        heard = inspection.inspect(file, str(kind), None, min_rate_hz=NARROWBAND_HZ, limits=limit)
        self._found.decoded_s += heard.duration_s
        if heard.status != "ok":
            return heard.error
        rate_hz = int(heard.frequency_hz or NARROWBAND_HZ)
        least_hz = self._found.least_rate_hz
        self._found.least_rate_hz = rate_hz if least_hz is None else min(least_hz, rate_hz)
        if said[0].start_s is None:
            if heard.duration_s > limits.UTTERANCE_S:
                return _too_long(heard.duration_s)
            if kind.describes_itself:
                self._add(member.name, file, heard.duration_s, said[0], str(kind))
            else:  # browsers play it only with a header
                self._whole(member.name, file, kind, rate_hz, said[0])
            return None
        return self._parts(member.name, file, kind, rate_hz, said)

    def _whole(
        self, name: str, file: Path, kind: ContentType, rate_hz: int, said: ReferenceTranscript
    ) -> None:
        kept_hz = min(rate_hz, _WIDEBAND_HZ)
        with recordings.decoded(file, kind, kept_hz, owner=self._owner) as recording:
            self._clip(name, file, recording.pcm, kept_hz, said)

    def _parts(
        self, name: str, file: Path, kind: ContentType, rate_hz: int, said: Sequence[ReferenceTranscript]
    ) -> str | None:
        kept_hz = min(rate_hz, _WIDEBAND_HZ)
        with recordings.decoded(file, kind, kept_hz, owner=self._owner) as recording:
            for one in said:
                start_s, end_s = one.start_s or 0.0, one.end_s or 0.0
                if end_s > recording.duration_s + _MARGIN_S:
                    end = f"{recording.duration_s:.1f} s"
                    message = f"This part ends behind the end of {name}, at {end}. Correct it."
                    self._found.findings.append(TranscriptFinding(one.source, message, one.line))
                elif end_s - start_s > limits.UTTERANCE_S:
                    self._found.findings.append(
                        TranscriptFinding(one.source, _too_long(end_s - start_s), one.line)
                    )
                else:
                    pcm = recording.pcm[round(start_s * kept_hz) : round(end_s * kept_hz)]
                    self._clip(name, file, pcm, kept_hz, one)
        return None

    def _clip(
        self, name: str, file: Path, pcm: NDArray[np.int16], rate_hz: int, said: ReferenceTranscript
    ) -> None:
        clip = file.with_name("clip")
        clip.write_bytes(wav(pcm, rate_hz))
        self._add(name, clip, len(pcm) / rate_hz, said, "audio/wav")

    def _add(self, name: str, file: Path, duration_s: float, said: ReferenceTranscript, kind: str) -> None:
        number = len(self._found.utterances)
        if number == limits.UTTERANCES:
            raise _Full(f"There are more than {limits.UTTERANCES:,} utterances. Split the test set.")
        if self._found.duration_s + duration_s > limits.AUDIO_S:
            raise _Full(f"There is more audio than {limits.AUDIO_S / 3600:g} hours. Split the test set.")
        self._keep(number, file)
        self._found.utterances.append(
            ListedUtterance(number, name, duration_s, said.start_s, said.end_s, kind, said.text)
        )


def _too_long(duration_s: float) -> str:
    return (
        f"This has {duration_s:.0f} s; an utterance may have {limits.UTTERANCE_S:g} s. Cut it, or name its "
        "parts, with start and end, in a table or STM."
    )


def wav(pcm: NDArray[np.int16], rate_hz: int) -> bytes:
    """Return mono samples, shape (n,), as a WAV file."""
    written = BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.asarray(pcm, "<i2").tobytes())
    return written.getvalue()
