"""The forms of S3's wire protocol: XML answers, refusals, byte ranges, aws-chunked bodies."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring, tostring

from infra.local.store import journal
from infra.local.wire import Disconnected, Send, answer

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_KEPT_HEADERS = ("content-type", "content-disposition", "cache-control")


class ObjectError(Exception):
    """A refusal with S3's code and status."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def no_such_key(key: str) -> ObjectError:
    """Return the refusal of a key that does not exist."""
    return ObjectError(HTTPStatus.NOT_FOUND, "NoSuchKey", f"The specified key does not exist: {key}")


def unwritable(error: OSError) -> ObjectError:
    """Return the refusal when the disk refuses."""
    message = f"The object could not be written to disk: {error.strerror}."
    if journal.is_full(error):
        # Not S3's, whose disks are never full; a client has no reason to try it again and again.
        return ObjectError(HTTPStatus.INSUFFICIENT_STORAGE, "InsufficientStorage", message)
    return ObjectError(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", message)


async def refuse(send: Send, method: str, error: ObjectError) -> None:
    """Answer a refusal; to HEAD without a body."""
    root = Element("Error")
    SubElement(root, "Code").text = error.code
    SubElement(root, "Message").text = str(error)
    body = b"" if method == "HEAD" else tostring(root, encoding="utf-8", xml_declaration=True)
    await answer(send, error.status, {"content-type": "application/xml"}, body)


async def answer_xml(send: Send, root: Element) -> None:
    """Answer an XML document."""
    body = tostring(root, encoding="utf-8", xml_declaration=True)
    await answer(send, HTTPStatus.OK, {"content-type": "application/xml"}, body)


def document(name: str, **texts: str | None) -> Element:
    """Return a document whose children have these names and texts; None leaves one out."""
    root = Element(name, xmlns=NAMESPACE)
    add(root, **texts)
    return root


def add(parent: Element, **texts: str | None) -> None:
    """Add children with these names and texts; None leaves one out."""
    for tag, text in texts.items():
        if text is not None:
            SubElement(parent, tag).text = text


def texts(body: bytes, tag: str) -> list[str]:
    """Return the texts of all elements with that name.

    Raises:
        ObjectError: the body is not XML.
    """
    try:
        # Only this machine's own processes get here, so plain XML parsing is safe.
        root = fromstring(body)  # noqa: S314
    except ParseError:
        raise ObjectError(
            HTTPStatus.BAD_REQUEST, "MalformedXML", "The body is not well-formed XML."
        ) from None
    return [element.text or "" for element in root.iter() if element.tag.rpartition("}")[2] == tag]


def timestamp(unix_s: float) -> str:
    """Return a time as S3 writes it in XML."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an upload that belong to the object."""
    kept = {name: headers[name] for name in _KEPT_HEADERS if name in headers}
    kept |= {name: value for name, value in headers.items() if name.startswith("x-amz-meta-")}
    encodings = [part.strip() for part in headers.get("content-encoding", "").split(",")]
    encoding = ", ".join(part for part in encodings if part not in ("", "aws-chunked"))
    return {
        "content-type": "binary/octet-stream",
        **kept,
        **({"content-encoding": encoding} if encoding else {}),
    }


def byte_range(value: str, size_bytes: int) -> tuple[int, int]:
    """Return start and end (exclusive) of a `Range` header with one range.

    Raises:
        ObjectError: nothing of the object lies in it.
    """
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", value.strip())
    if found is None or not (found[1] or found[2]):
        raise ObjectError(
            HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", "One range of bytes at a time, please."
        )
    if found[1]:
        start = int(found[1])
        end = min(int(found[2]) + 1, size_bytes) if found[2] else size_bytes
    else:
        start, end = max(0, size_bytes - int(found[2])), size_bytes
    if start >= end:
        message = "The requested range is not satisfiable."
        raise ObjectError(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "InvalidRange", message)
    return start, end


async def payload(body: AsyncIterator[bytes], headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    """Yield an upload's bytes, without the framing of aws-chunked bodies.

    Raises:
        Disconnected: the framing ends early.
        ObjectError: the framing is broken.
    """
    if not headers.get("x-amz-content-sha256", "").startswith("STREAMING-"):
        async for chunk in body:
            yield chunk
        return
    buffer = bytearray()
    left_bytes, done = 0, False
    async for chunk in body:
        buffer += chunk
        while buffer and not done:
            if left_bytes > 2:
                piece = bytes(buffer[: left_bytes - 2])
                del buffer[: len(piece)]
                left_bytes -= len(piece)
                yield piece
            elif left_bytes:
                # The line end behind a chunk's bytes.
                dropped = min(left_bytes, len(buffer))
                del buffer[:dropped]
                left_bytes -= dropped
            else:
                line, found, _ = buffer.partition(b"\r\n")
                if not found:
                    break
                size_bytes = _chunk_size(bytes(line))
                del buffer[: len(line) + 2]
                done = size_bytes == 0
                left_bytes = size_bytes + 2
    if not done:
        raise Disconnected


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError:
        raise ObjectError(
            HTTPStatus.BAD_REQUEST, "IncompleteBody", "The chunked body is malformed."
        ) from None
