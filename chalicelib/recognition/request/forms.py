"""Multipart forms: for recognition `metadata`, then audio in parts named `upload`; or any one part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_METADATA_BYTES = 2 * 1024 * 1024
"""A thousand keywords of a thousand characters, and the rest."""
MAX_UPLOADS = 1000

MAX_FIELDS_BYTES = 1024 * 1024
MAX_FIELDS = 1000

_ESSENCE = b"multipart/form-data"
_CHUNK_BYTES = 256 * 1024
_METADATA = "metadata"
UPLOAD = "upload"
"""What Watson calls the parts with audio."""

Write = Callable[[bytes], object]


class BadForm(ValueError):
    """The form is not one that recognition understands; the text is for the client."""


@dataclass(frozen=True)
class FormPart:
    """What the headers of a part say."""

    name: str
    filename: str | None
    content_type: str | None


@dataclass(frozen=True)
class UploadedFile:
    """A part with audio, in a file of its own."""

    path: Path
    content_type: str | None
    """Of the part; None: it has none."""
    size_bytes: int


def boundary_of(content_type: str | None) -> str | None:
    """Return the boundary between the parts of a form; None: the body is no form.

    Raises:
        BadForm: it is one, but its Content-Type lacks the boundary.
    """
    essence, parameters = parse_options_header(content_type)
    if essence.lower() != _ESSENCE:
        return None
    boundary = parameters.get(b"boundary", b"")
    if not 1 <= len(boundary) <= 70 or not boundary.isascii():
        raise BadForm("The Content-Type multipart/form-data needs a boundary of 1 to 70 characters.")
    return boundary.decode()


def metadata(body: IO[bytes], boundary: str) -> bytes:
    """Return the contents of the form's first part, which must be `metadata`; no more is read than needed.

    Raises:
        BadForm: the body is no such form, or the part is larger than 2 MB.
    """
    contents = bytearray()

    def begin(part: FormPart) -> Write:
        if parts.begun == 1 and part.name != _METADATA:
            raise BadForm("The first part of the form must be named 'metadata'.")
        return contents.extend if parts.begun == 1 else _discard

    parts = _Parts(boundary, begin)
    for chunk in _chunks(body):
        parts.feed(chunk)
        if len(contents) > MAX_METADATA_BYTES:
            raise BadForm(f"The part 'metadata' may have at most {MAX_METADATA_BYTES} bytes.")
        if parts.ended >= 1:
            return bytes(contents)
    raise BadForm("The form ends before its first part, 'metadata', does.")


def uploads(body: IO[bytes], boundary: str, folder: Path, name: str = UPLOAD) -> list[UploadedFile]:
    """Write each part of a name into a file of its own in `folder`, and return them in order.

    Raises:
        BadForm: the body is no such form, is cut off, or has no or too many of these parts.
    """
    found: list[tuple[Path, str | None]] = []
    files: list[IO[bytes]] = []

    def begin(part: FormPart) -> Write:
        if part.name != name:
            return _discard
        if len(found) == MAX_UPLOADS:
            raise BadForm(f"The form has more than {MAX_UPLOADS} parts named '{name}'.")
        while files:
            files.pop().close()
        path = folder / f"upload-{len(found)}"
        files.append(path.open("wb"))
        found.append((path, part.content_type))
        return files[0].write

    parts = _Parts(boundary, begin)
    try:
        for chunk in _chunks(body):
            parts.feed(chunk)
    finally:
        for file in files:
            file.close()
    if not parts.complete:
        raise BadForm("The form is cut off: its last boundary is missing.")
    if not found:
        raise BadForm(f"The form has no part named '{name}', so there is no audio.")
    return [UploadedFile(path, content_type, path.stat().st_size) for path, content_type in found]


@dataclass(frozen=True)
class Fields:
    """What a form says beside its files."""

    values: Mapping[str, tuple[str, ...]]
    """By name, in order."""
    files: tuple[FormPart, ...]
    """The parts of the name that was asked for."""


def fields(body: IO[bytes], boundary: str, file: str) -> Fields:
    """Return the texts of a form, and which of its parts are files; all of it is read.

    Args:
        body: the form.
        boundary: between its parts.
        file: name of the parts that are files whatever they hold.

    Raises:
        BadForm: the body is no form, is cut off, or its texts are too long, too many, or not UTF-8.
    """
    texts: list[tuple[str, bytearray]] = []
    files: list[FormPart] = []

    def begin(part: FormPart) -> Write:
        if part.name == file:
            files.append(part)
            return _discard
        if len(texts) == MAX_FIELDS:
            raise BadForm(f"The form has more than {MAX_FIELDS} fields.")
        texts.append((part.name, bytearray()))
        return texts[-1][1].extend

    parts = _Parts(boundary, begin)
    for chunk in _chunks(body):
        parts.feed(chunk)
        if sum(len(text) for _, text in texts) > MAX_FIELDS_BYTES:
            raise BadForm(f"The fields of the form may have at most {MAX_FIELDS_BYTES} bytes together.")
    if not parts.complete:
        raise BadForm("The form is cut off: its last boundary is missing.")
    values: dict[str, tuple[str, ...]] = {}
    for name, text in texts:
        try:
            values[name] = (*values.get(name, ()), text.decode())
        except UnicodeDecodeError:
            raise BadForm(f"The field '{name[:60]}' of the form is not UTF-8.") from None
    return Fields(values, tuple(files))


def extract(body: IO[bytes], boundary: str, name: str, target: IO[bytes]) -> FormPart | None:
    """Write the form's first part of that name into `target`, and return it; None: there is none.

    Raises:
        BadForm: the body is no form, or is cut off.
    """
    found: list[FormPart] = []

    def begin(part: FormPart) -> Write:
        if part.name != name or found:
            return _discard
        found.append(part)
        return target.write

    parts = _Parts(boundary, begin)
    for chunk in _chunks(body):
        parts.feed(chunk)
    if not parts.complete:
        raise BadForm("The form is cut off: its last boundary is missing.")
    return found[0] if found else None


class _Parts:
    """Tells parts apart as the bytes of a form come in."""

    def __init__(self, boundary: str, begin: Callable[[FormPart], Write]) -> None:
        self.begun = 0
        self.ended = 0
        self.complete = False
        self._begin = begin
        self._write: Write = _discard
        self._headers: dict[str, str] = {}
        self._field = bytearray()
        self._value = bytearray()
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._headers.clear,
            "on_header_begin": self._begin_header,
            "on_header_field": self._add_to_field,
            "on_header_value": self._add_to_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._begin_part,
            "on_part_data": self._add_to_part,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }
        self._parser = MultipartParser(boundary, callbacks)

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise BadForm(
                "The body is not a multipart form with the boundary it announces. Each part begins with '--' "
                "and the boundary of the request's Content-Type, and its headers end with an empty line."
            ) from None

    def _begin_header(self) -> None:
        self._field.clear()
        self._value.clear()

    def _add_to_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_to_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _add_to_part(self, data: bytes, start: int, end: int) -> None:
        self._write(data[start:end])

    def _end_header(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("latin-1").strip()

    def _begin_part(self) -> None:
        _, parameters = parse_options_header(self._headers.get("content-disposition"))
        name = parameters.get(b"name", b"").decode("latin-1")
        filename = parameters[b"filename"].decode("latin-1") if b"filename" in parameters else None
        self.begun += 1
        self._write = self._begin(FormPart(name, filename, self._headers.get("content-type") or None))

    def _end_part(self) -> None:
        self._write = _discard
        self.ended += 1

    def _end(self) -> None:
        self.complete = True


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    while chunk := body.read(_CHUNK_BYTES):
        yield chunk


def _discard(data: bytes) -> None:
    """Take what nobody wants."""
