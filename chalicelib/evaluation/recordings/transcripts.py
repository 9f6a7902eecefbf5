"""Transcripts as people have them: a text beside each recording, or a table (CSV, TSV, JSON Lines, STM)."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from chalicelib.evaluation import limits

BESIDE = ".txt"
ENDINGS = (BESIDE, ".csv", ".tsv", ".jsonl", ".stm")
"""Of files that hold transcripts."""

_FILE = (
    "audio",
    "file",
    "path",
    "audio_filepath",
    "audio_path",
    "audio_file",
    "file_name",
    "filename",
    "wav",
)
_TEXT = ("text", "transcript", "transcription", "sentence", "reference", "normalized_text")
_START = ("start", "start_s", "start_time", "offset", "begin")
_END = ("end", "end_s", "end_time")
_DURATION = ("duration", "duration_s")
"""Names of columns, in any case; of several the first one counts."""
_STM_FIELDS = 5
_STM_LABEL = re.compile(r"^<[^<>]*>\s*")
_STM_IGNORED = "ignore_time_segment_in_scoring"
_SEMICOLON = ";"


@dataclass(frozen=True)
class ReferenceTranscript:
    """What was said in a recording, or in a part of it."""

    file: str
    """The recording as it is named there; a text beside one has its path without the ending."""
    text: str
    source: str
    """The file that says so."""
    line: int | None = None
    """In a table, from 1."""
    start_s: float | None = None
    """None: all of the recording is meant; so it is with the end."""
    end_s: float | None = None

    @property
    def beside(self) -> bool:
        """Whether it is a text of its own, beside its recording."""
        return self.line is None

    @property
    def where(self) -> str:
        """The place for people."""
        return self.source if self.line is None else f"{self.source}, line {self.line}"


@dataclass(frozen=True)
class TranscriptFinding:
    """Something that was left out, and why."""

    file: str | None
    """As it is named in the archive; None: the archive as a whole."""
    message: str
    """What is wrong, and the way out."""
    line: int | None = None
    """Of a table, from 1."""


class TableUnreadable(Exception):
    """A table that cannot be read; the text is for the user and names the way out."""


def is_text(name: str) -> bool:
    """Tell whether a file of an archive holds transcripts, by its name."""
    return PurePosixPath(name).suffix.lower() in ENDINGS


def read(name: str, data: bytes) -> Iterator[ReferenceTranscript | TranscriptFinding]:
    """Yield what a file with transcripts says, line by line.

    Args:
        name: the file's path in its archive.
        data: its content.
    """
    try:
        text = _decoded(data)
        path = PurePosixPath(name)
        match path.suffix.lower():
            case ".txt":
                yield ReferenceTranscript(str(path.with_suffix("")), " ".join(text.split()), name)
            case ".stm":
                yield from _stm(name, text)
            case ".jsonl":
                yield from _json_lines(name, text)
            case ending:
                yield from _separated(name, text, tabs=ending == ".tsv")
    except TableUnreadable as error:
        yield TranscriptFinding(name, str(error))


def _decoded(data: bytes) -> str:
    utf_16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableUnreadable(
            f"This text is not UTF-8: byte {error.start} is none. Save it again as UTF-8."
        ) from None


def _separated(name: str, text: str, *, tabs: bool) -> Iterator[ReferenceTranscript | TranscriptFinding]:
    lines = text.splitlines()
    header = lines[0] if lines else ""
    separator = "\t" if tabs else _SEMICOLON if header.count(_SEMICOLON) > header.count(",") else ","
    rows = csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL)
    columns: list[str] | None = None
    while True:
        try:
            row = next(rows, None)
        except csv.Error as error:
            raise TableUnreadable(
                f"Line {rows.line_num} cannot be read: {error}. Save the table again."
            ) from None
        if row is None:
            return
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = [cell.strip().strip('"').lower() for cell in row]
            if set(columns) & set(_FILE) and set(columns) & set(_TEXT):
                continue
            if len(row) != 2:
                raise TableUnreadable(
                    f"The first line must name the columns, of the recording ({', '.join(_FILE[:3])}) and of "
                    f"the transcript ({', '.join(_TEXT[:3])}). Without it there can be these two alone."
                )
            columns = [_FILE[0], _TEXT[0]]
        yield _of_fields(name, rows.line_num, dict(zip(columns, row, strict=False)))


def _json_lines(name: str, text: str) -> Iterator[ReferenceTranscript | TranscriptFinding]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if isinstance(fields, dict):
            known = {str(key).lower(): str(value) for key, value in fields.items() if _is_plain(value)}
            yield _of_fields(name, number, known)
        else:
            yield TranscriptFinding(name, "This line is no JSON object. Correct it, or leave it out.", number)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _stm(name: str, text: str) -> Iterator[ReferenceTranscript | TranscriptFinding]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith(";;"):
            continue
        fields = line.split(maxsplit=_STM_FIELDS)
        start_s, end_s = _seconds(fields[3:4]), _seconds(fields[4:5])
        if len(fields) < _STM_FIELDS or start_s is None or end_s is None:
            yield TranscriptFinding(
                name, "This line must have: recording, channel, speaker, start, end, transcript.", number
            )
            continue
        said = _STM_LABEL.sub("", fields[_STM_FIELDS] if len(fields) > _STM_FIELDS else "")
        if said.strip().lower() != _STM_IGNORED:
            yield _part(ReferenceTranscript(fields[0], " ".join(said.split()), name, number, start_s, end_s))


def _of_fields(name: str, line: int, fields: Mapping[str, str]) -> ReferenceTranscript | TranscriptFinding:
    file, text = _first(fields, _FILE), _first(fields, _TEXT)
    if not file or text is None:
        return TranscriptFinding(
            name, "This line names no recording, or has no transcript. Correct it.", line
        )
    start, end, duration = (_first(fields, names) for names in (_START, _END, _DURATION))
    start_s = _seconds([start] if start else [])
    end_s = _seconds([end] if end else [])
    if (start and start_s is None) or (end and end_s is None):
        return TranscriptFinding(name, "Start and end of a part must be seconds. Correct the line.", line)
    if start_s is None and end_s is None:
        return ReferenceTranscript(file, " ".join(text.split()), name, line)
    length_s = _seconds([duration] if duration else [])
    if end_s is None and length_s is not None:
        end_s = (start_s or 0.0) + length_s
    if end_s is None:
        if not start_s:  # of a whole recording some say that it starts at 0
            return ReferenceTranscript(file, " ".join(text.split()), name, line)
        return TranscriptFinding(
            name, "This line says where a part starts, but not where it ends. Add it.", line
        )
    return _part(ReferenceTranscript(file, " ".join(text.split()), name, line, start_s or 0.0, end_s))


def _part(said: ReferenceTranscript) -> ReferenceTranscript | TranscriptFinding:
    """Return what is said in a part of a recording, if there can be such a part."""
    if not 0 <= (said.start_s or 0.0) < (said.end_s or 0.0):
        message = f"This part of {said.file[:100]} ends before it starts. Correct the line."
        return TranscriptFinding(said.source, message, said.line)
    return said


def _first(fields: Mapping[str, str], names: Sequence[str]) -> str | None:
    return next((value.strip().strip('"') for name in names if (value := fields.get(name)) is not None), None)


def _seconds(texts: Sequence[str]) -> float | None:
    try:
        seconds = float(texts[0]) if texts else math.nan
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) else None


def too_long(transcript: ReferenceTranscript) -> bool:
    """Tell whether nobody says as much in one utterance."""
    return len(transcript.text) > limits.TRANSCRIPT_CHARACTERS
