"""The body of an upload: in the request, or in the bucket by the front door or its client, or yet to come."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from chalicelib.api.http import parameters
from chalicelib.api.http.calls import Call
from chalicelib.api.http.errors import ApiError, BadRequest
from chalicelib.direct_uploads import uploads
from chalicelib.storage import failures, objects, spool
from chalicelib.storage.tables import DirectUpload

UPLOAD = "upload"
"""The query parameter that names an upload in place of a body."""
MOST_INLINE_BYTES = 4 * 1024 * 1024
"""What fits a Lambda event (6 MB) as base64, with room for the rest."""
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class UploadBody:
    """A body, wherever it is."""

    inline: bytes
    spooled: spool.Spooled | None
    content_type: str | None
    """As it was said with the body; None: it was not."""
    upload: DirectUpload | None = None
    """What the client has sent to the store itself. It stays there: it may be named again."""

    @property
    def pending(self) -> bool:
        """Only the checks that need no body are wanted; the answer to success is 204."""
        return self.spooled is not None and self.spooled.pending

    @property
    def size_bytes(self) -> int:
        """Its length; what was announced, or 0, while it is pending."""
        if self.upload is not None:
            return int(self.upload.size_bytes)
        return self.spooled.size_bytes if self.spooled else len(self.inline)

    @property
    def customer_id(self) -> str | None:
        """The label of whose data it is, if it was labelled when it was announced as an upload."""
        return None if self.upload is None else self.upload.customer_id

    @property
    def _key(self) -> str | None:
        """Where it lies in the bucket; None: it is in the request."""
        if self.upload is not None:
            return uploads.key_of(self.upload)
        return None if self.spooled is None else self.spooled.key

    def head(self) -> bytes:
        """Return its first bytes; none while it is pending."""
        if self._key is None:
            return self.inline[:_HEAD_BYTES]
        if self.pending:
            return b""
        with objects.open_stream(self._key) as stream:
            return stream.read(_HEAD_BYTES)

    def open(self) -> IO[bytes]:
        """Return all of it as a stream that can only be read forward; not while it is pending."""
        return io.BytesIO(self.inline) if self._key is None else objects.open_stream(self._key)

    def store(self, key: str) -> None:
        """Put it where it belongs."""
        if self._key is None:
            objects.put(key, self.inline)
        else:
            objects.copy(self._key, key)

    def discard(self) -> None:
        """Remove what the front door has stored, when it has been copied; a lifecycle rule would, later."""
        if self.spooled is not None and not self.spooled.pending:
            with suppress(*failures.FAILURES):
                objects.delete(self.spooled.key)


def customer_id(call: Call, body: UploadBody) -> str | None:
    """Return the label of whose data a body is: the request's, or else that with which it was announced.

    Raises:
        BadRequest: the request's label is none.
    """
    return parameters.customer_id(call) or body.customer_id


def read(call: Call, most_bytes: int) -> UploadBody:
    """Return the body of a request, or the upload that it names in place of one.

    Raises:
        spool.ForgedReference: the reference was not made by a front door.
        uploads.UnknownUpload, uploads.NotYetThere, uploads.MismatchedUpload: of the upload that is named.
        ApiError: 413 when it is longer than `most_bytes`, or than what can come without a front door;
            400 when there are both, a body and an upload.
    """
    header = call.headers.get(spool.HEADER.lower())
    spooled = spool.read_header(header) if header else None
    upload_id = parameters.text(call, UPLOAD)
    if upload_id is None:
        body = UploadBody(b"" if header else call.body, spooled, call.content_type)
    elif call.body or spooled is not None:
        raise BadRequest(
            "The request names an upload, and has a body as well: send it without a body, or without the "
            f"parameter '{UPLOAD}'."
        )
    else:
        found = uploads.arrived(call.owner, upload_id)
        body = UploadBody(b"", None, found.content_type, found)
    if body.size_bytes > most_bytes:
        raise ApiError(
            413,
            f"The request's body has {body.size_bytes} bytes, but at most {most_bytes // 1024**2} MB "
            f"({most_bytes} bytes) are allowed.",
        )
    if len(body.inline) > MOST_INLINE_BYTES:
        raise ApiError(
            413,
            f"Without the front door, a request's body can have at most {MOST_INLINE_BYTES // 1024**2} MB. "
            "Announce an upload with POST /v1/uploads, send it to its URL, and name it in place of the body; "
            "or send compressed audio (for instance FLAC or Ogg) or several smaller files, "
            "or use the URL of the front door.",
        )
    return body
