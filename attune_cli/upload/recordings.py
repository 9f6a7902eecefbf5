"""Finds recordings below paths: what can be sent by its first bytes, and why the rest is left out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LARGEST_BYTES = 100_000_000
"""Of one resource, an archive or a recording."""
LONGEST_NAME = 128
_HEAD_BYTES = 16
_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", ".ds_store", "icon\r"})
_CONVERT = "convert it first: ffmpeg -i FILE FILE.flac"
_KNOWN_OTHERS = {
    ".m4a": "MPEG-4 audio",
    ".mp4": "MPEG-4",
    ".aac": "AAC",
    ".wma": "Windows Media",
    ".amr": "AMR",
    ".aif": "AIFF",
    ".aiff": "AIFF",
}
_TEXTS = frozenset(
    f".{suffix}"
    for suffix in (
        *("txt", "csv", "tsv", "json", "jsonl", "xml", "html", "md", "log", "yaml", "srt", "vtt", "stm"),
        *("pdf", "doc", "docx", "xls", "xlsx", "jpg", "jpeg", "png", "gif", "py", "js", "sh", "exe", "dll"),
    )
)


@dataclass(frozen=True)
class RecordingFile:
    """A file that is sent.

    Attributes:
        file: where it lies.
        name: relative to where the user pointed, with slashes, at most 128 characters.
        size_bytes: of it.
        modified_ns: when it was changed last.
        content_type: by its first bytes, or what the user says that bare samples are.
    """

    file: Path
    name: str
    size_bytes: int
    modified_ns: int
    content_type: str

    @property
    def is_archive(self) -> bool:
        """Whether it holds recordings itself."""
        return self.content_type in ("application/zip", "application/gzip")


@dataclass(frozen=True)
class LeftOutFile:
    """A file that is not sent, and why; `is_audio`: it was meant to be."""

    file: Path
    reason: str
    is_audio: bool = False


def found(paths: Sequence[Path], bare_type: str | None = None) -> Iterator[RecordingFile | LeftOutFile]:
    """Yield every file below the paths, in the order of their names, each file once.

    Args:
        paths: files and folders.
        bare_type: the content type of files whose first bytes say nothing, as `audio/l16;rate=8000`.
    """
    seen: set[Path] = set()
    names: set[str] = set()
    for file, relative in _files(paths):
        try:
            real = file.resolve()
            if real in seen:
                continue
            seen.add(real)
            one = _looked_at(file, relative, bare_type)
        except OSError as error:
            one = LeftOutFile(file, f"cannot be read ({error.strerror})", is_audio=True)
        if isinstance(one, RecordingFile):
            one = _with_name(one, names)
        yield one


def content_type_of(head: bytes) -> str | None:
    """Return the content type of audio or an archive by its first bytes; None: it is neither."""
    match head[:4]:
        case b"RIFF" | b"RF64" | b"BW64" | b"RIFX" if head[8:12] == b"WAVE":
            return "audio/wav"
        case b"fLaC":
            return "audio/flac"
        case b"OggS":
            return "audio/ogg"
        case b"\x1aE\xdf\xa3":
            return "audio/webm"
        case b".snd":
            return "audio/basic"
        case b"PK\x03\x04":
            return "application/zip"
    if head[:2] == b"\x1f\x8b":
        return "application/gzip"
    if head[:3] == b"ID3" or (
        len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] >> 4 != 15
    ):
        return "audio/mpeg"
    return None


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Yield files with what they are called from the folder on that was named."""
    for path in paths:
        if not path.is_dir():
            yield path, path.name
            continue
        root = path.absolute()
        for folder, folders, files in os.walk(path):
            folders.sort()
            for file in sorted(files):
                full = Path(folder) / file
                yield full, (Path(root.name) / full.relative_to(path)).as_posix()


def _looked_at(file: Path, relative: str, bare_type: str | None) -> RecordingFile | LeftOutFile:
    lower = file.name.lower()
    if lower in _SYSTEM_FILES or lower.startswith("._") or "__macosx/" in relative.lower():
        return LeftOutFile(file, "belongs to the operating system")
    status = file.stat()
    if not file.is_file():
        return LeftOutFile(file, "is no ordinary file")
    if not status.st_size:
        return LeftOutFile(file, "is empty")
    with file.open("rb") as opened:
        content_type = content_type_of(opened.read(_HEAD_BYTES))
    suffix = file.suffix.lower()
    if content_type is None or suffix in _TEXTS:
        if suffix in _KNOWN_OTHERS:
            return LeftOutFile(
                file, f"is {_KNOWN_OTHERS[suffix]}, which is not taken; {_CONVERT}", is_audio=True
            )
        if bare_type is None or suffix in _TEXTS or lower.startswith("."):
            return LeftOutFile(file, "is no audio by its first bytes (bare samples need --type)")
        content_type = bare_type
    if status.st_size > LARGEST_BYTES:
        archive = content_type.startswith("application/")
        way = "unpack it and add the folder" if archive else f"split it, or {_CONVERT}"
        return LeftOutFile(file, f"is larger than {LARGEST_BYTES // 1_000_000} MB; {way}", is_audio=True)
    return RecordingFile(file, _safe(relative), status.st_size, status.st_mtime_ns, content_type)


def _safe(relative: str) -> str:
    """Return a name that every service takes: no backslash, nothing unprintable, at most 128 characters."""
    text = relative.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\\", "_")
    text = "".join(sign if sign.isprintable() else "_" for sign in text)
    if len(text) <= LONGEST_NAME:
        return text
    digest = hashlib.sha256(relative.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return f"{digest}-{text.rpartition('/')[2][-100:]}"


def _with_name(one: RecordingFile, names: set[str]) -> RecordingFile:
    """Return a recording with a name that none before it has."""
    if one.name in names:
        digest = hashlib.sha256(str(one.file.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        one = RecordingFile(
            one.file,
            f"{digest}-{one.name[-100:].replace('/', '_')}",
            one.size_bytes,
            one.modified_ns,
            one.content_type,
        )
    names.add(one.name)
    return one
